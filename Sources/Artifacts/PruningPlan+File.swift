import Crypto
public import Foundation

extension PruningPlan {
  /// A plan file beyond this is refused: 2.3 million neurons, a 70B model's, need about 15 MB.
  public static let largestFile = 256 << 20

  /// The plan's canonical JSON: sorted keys, a line to each layer. The same plan gives the same bytes everywhere.
  ///
  /// - Throws: `notFinite` where a sparsity or gamma has no JSON form.
  public func canonicalJSON() throws(ArtifactError) -> Data { try json(checksum: nil) }

  /// plan.json: the canonical JSON with ``digest()`` as its last key, `sha256`.
  ///
  /// - Throws: as `canonicalJSON()`.
  public func fileJSON() throws(ArtifactError) -> Data { try json(checksum: try digest()) }

  private func json(checksum: String?) throws(ArtifactError) -> Data {
    let lines: [(key: CodingKeys, value: String)] = [
      (.achievedSparsity, try Self.encoded(achievedSparsity)),
      (.allocation, try Self.encoded(allocation)),
      (.formatVersion, "\(formatVersion)"),
      (.layers, "[\n" + layers.map { "    " + $0.line }.joined(separator: ",\n") + "\n  ]"),
      (.modelHash, try Self.encoded(modelHash)),
      (.requestedSparsity, try Self.encoded(requestedSparsity)),
    ]
    let seal = checksum.map { [(Seal.key, "\"\($0)\"")] } ?? []
    let body = (lines.map { ($0.key.rawValue, $0.value) } + seal).map { "  \"\($0.0)\": \($0.1)" }
      .joined(separator: ",\n")
    return Data("{\n\(body)\n}\n".utf8)
  }

  /// SHA-256 of the canonical bytes, in 64 hexadecimal digits: what ranks compare, what `pruned_by` records, and the
  /// checksum in plan.json.
  ///
  /// - Throws: as `canonicalJSON()`.
  public func digest() throws(ArtifactError) -> String {
    SHA256.hash(data: try canonicalJSON()).hexadecimal
  }

  /// Reads a plan and checks all that needs no model; `checked(against:modelHash:file:)` does the rest.
  ///
  /// - Parameter path: a regular file, or a link to one.
  /// - Throws: `unreadable`, and as `init(json:file:)`.
  public init(contentsOfFile path: String) throws(ArtifactError) {
    try MissingArtifact.check(path, remedy: Self.remedy)
    let data: Data
    do {
      let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
      let attributes = try FileManager.default.attributesOfItem(atPath: url.path)
      guard attributes[.type] as? FileAttributeType == .typeRegular else {
        throw ArtifactError(code: .unreadable, message: "is no regular file; name a plan.json")
      }
      let size = (attributes[.size] as? NSNumber)?.intValue ?? 0
      guard size <= Self.largestFile else {
        throw ArtifactError(
          code: .unreadable, message: "has \(size) bytes, more than any plan needs; name a plan.json")
      }
      data = try Data(contentsOf: url)
    } catch let error as ArtifactError {
      throw error.located(in: path)
    } catch {
      throw ArtifactError(
        code: .unreadable, message: "\(path): cannot be read; check its permissions")
    }
    try self.init(json: data, file: path)
  }

  /// Decodes a plan and checks all that needs no model. One with a `sha256` has to be, byte for byte, what was written;
  /// one without is a plan that somebody wrote by hand.
  ///
  /// - Parameter file: the name that errors carry.
  /// - Throws: `damaged`, `malformed`, `unsupportedVersion`, `invalidIndex`, `notFinite`, naming file, layer and index.
  public init(json: Data, file: String = "plan.json") throws(ArtifactError) {
    do {
      self = try JSONDecoder().decode(PruningPlan.self, from: json)
      try checkForm()
      guard try JSONDecoder().decode(Seal.self, from: json).isThere == false || json == fileJSON() else {
        throw ArtifactError(
          code: .damaged,
          message: "the contents do not have the checksum that was written with them; make the plan again, or remove "
            + "the \(Seal.key) key if you edited it")
      }
    } catch let error as ArtifactError {
      throw error.located(in: file)
    } catch {
      throw Self.malformed(error).located(in: file)
    }
  }

  private static let remedy = "make it with `espalier allocate` or `espalier prune`"

  private static func encoded(_ value: some Encodable) throws(ArtifactError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
      throw ArtifactError(
        code: .notFinite, message: "the plan's sparsity or gamma is not finite; make the plan again")
    }
  }

  /// One line of what Foundation reports, with the place spelled as in `layers[3].mlp[5]`.
  private static func malformed(_ error: any Error) -> ArtifactError {
    let advice = "make the plan again, or correct the file"
    guard let error = error as? DecodingError else {
      return ArtifactError(code: .malformed, message: "is not a plan; \(advice)")
    }
    let what: String
    let path: [any CodingKey]
    switch error {
    case .keyNotFound(let key, let context):
      (what, path) = ("has no value", context.codingPath + [key])
    case .valueNotFound(let type, let context):
      (what, path) = ("is null but must be \(type)", context.codingPath)
    case .typeMismatch(let type, let context):
      (what, path) = ("is not \(type)", context.codingPath)
    case .dataCorrupted(let context):
      path = context.codingPath
      what = path.isEmpty ? "is not valid JSON" : "is not a number it can be"
    @unknown default:
      (what, path) = ("is not a plan", [])
    }
    let place = path.reduce(into: "") { place, key in
      if let index = key.intValue {
        place += "[\(index)]"
      } else {
        place += (place.isEmpty ? "" : ".") + key.stringValue
      }
    }
    return ArtifactError(
      code: .malformed, message: place.isEmpty ? "\(what); \(advice)" : "\(place) \(what); \(advice)")
  }
}

extension PruningPlan.Layer {
  /// The layer on one line, keys sorted.
  fileprivate var line: String {
    "{\"attention\": [\(Self.list(attention))], \"mlp\": [\(Self.list(mlp))]}"
  }

  private static func list(_ indices: [Int]) -> String {
    indices.map(String.init).joined(separator: ",")
  }
}
