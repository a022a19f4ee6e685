internal import Foundation

extension TrainingStep {
  /// The largest metrics.jsonl that is read, 512 MB: more than a million steps of about 400 bytes.
  public static let maximumBytes = 512_000_000

  /// The step as one line of metrics.jsonl with its line break; the same step always gives the same bytes. Numbers that
  /// JSON lacks are texts, as in report.json.
  ///
  /// - Throws: `malformed` should the encoder fail.
  public func line() throws(ArtifactError) -> [UInt8] {
    do {
      return [UInt8](try NonFiniteNumbers.encoder().encode(self)) + [UInt8(ascii: "\n")]
    } catch {
      throw ArtifactError(code: .malformed, message: "metrics.jsonl: step \(step) cannot be written as JSON: \(error)")
    }
  }

  /// All steps of a metrics.jsonl, in its order. A last line without its line break is one that a killed run did not
  /// finish, and is left out.
  ///
  /// - Throws: `unreadable` when the file is missing, no regular file or too large; `malformed` naming the first line
  ///   that is no step.
  public static func read(contentsOfFile path: String) throws(ArtifactError) -> [TrainingStep] {
    let data = try contents(of: path)
    let decoder = NonFiniteNumbers.decoder()
    var steps: [TrainingStep] = []
    var start = data.startIndex
    while let end = data[start...].firstIndex(of: UInt8(ascii: "\n")) {
      do {
        steps.append(try decoder.decode(TrainingStep.self, from: data[start..<end]))
      } catch {
        throw ArtifactError(
          code: .malformed,
          message: "\(path):\(steps.count + 1): not a step of training\(place(of: error)); remove the line, or the file"
        )
      }
      start = data.index(after: end)
    }
    return steps
  }

  private static func contents(of path: String) throws(ArtifactError) -> Data {
    let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: url.path),
      attributes[.type] as? FileAttributeType == .typeRegular,
      let size = (attributes[.size] as? NSNumber)?.intValue
    else {
      throw ArtifactError(
        code: .unreadable, message: "\(path): is not there or no regular file; name the metrics.jsonl of a run")
    }
    guard size <= maximumBytes else {
      throw ArtifactError(
        code: .unreadable,
        message: "\(path): has \(size) bytes, more than any run writes; name the metrics.jsonl of a run")
    }
    do {
      return try Data(contentsOf: url)
    } catch {
      throw ArtifactError(code: .unreadable, message: "\(path): cannot be read; check its permissions")
    }
  }

  /// The key that did not fit, where there is one.
  private static func place(of error: any Error) -> String {
    switch error as? DecodingError {
    case .keyNotFound(let key, _): ", \(key.stringValue) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      context.codingPath.last.map { ", \($0.stringValue) has a wrong value" } ?? ""
    default: ""
    }
  }
}
