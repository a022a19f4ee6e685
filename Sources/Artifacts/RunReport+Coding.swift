internal import Foundation

extension RunReport {
  /// The largest report.json that is read, 64 MB: a layer takes about 200 bytes.
  public static let maximumBytes = 64_000_000

  /// report.json: sorted keys, indented, a line break at the end; the same report always gives the same bytes. A number
  /// that JSON lacks (a model can be pruned to an infinite perplexity) is a text: `"Infinity"`, `"-Infinity"`, `"NaN"`.
  ///
  /// - Throws: ``RunDocumentError`` should the encoder fail.
  public func json() throws(RunDocumentError) -> [UInt8] {
    let encoder = NonFiniteNumbers.encoder(.prettyPrinted)
    do {
      return [UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")]
    } catch {
      throw RunDocumentError(.syntax, "report.json: cannot be written as JSON: \(error)")
    }
  }

  /// The report in the bytes of a report.json.
  ///
  /// - Parameters:
  ///   - json: The bytes, at most ``maximumBytes``.
  ///   - name: What errors call the file.
  /// - Throws: ``RunDocumentError`` when they are no report of ``formatVersion``.
  public init(json: [UInt8], name: String = "report.json") throws(RunDocumentError) {
    guard json.count <= Self.maximumBytes else { throw RunDocumentError(.tooLarge, "\(name): larger than 64 MB") }
    do {
      self = try NonFiniteNumbers.decoder().decode(RunReport.self, from: Data(json))
    } catch let error as DecodingError {
      throw Self.translated(error, name: name)
    } catch {
      throw RunDocumentError(.syntax, "\(name): not a report: \(error)")
    }
    guard formatVersion == Self.formatVersion else {
      throw RunDocumentError(
        .unsupported,
        "\(name): format_version: found \(formatVersion), expected \(Self.formatVersion); use the Espalier that wrote it"
      )
    }
  }

  private static func translated(_ error: DecodingError, name: String) -> RunDocumentError {
    func place(_ path: [any CodingKey]) -> String {
      path.isEmpty ? "top level" : path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, let context):
      return RunDocumentError(.missingKey, "\(name): \(place(context.codingPath + [key])): missing")
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return RunDocumentError(.invalidValue, "\(name): \(place(context.codingPath)): wrong type of value")
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
      return RunDocumentError(.invalidValue, "\(name): \(place(context.codingPath)): \(context.debugDescription)")
    case .dataCorrupted:
      return RunDocumentError(.syntax, "\(name): not JSON, cut off, or a number out of range")
    @unknown default:
      return RunDocumentError(.syntax, "\(name): not a report: \(error)")
    }
  }
}
