internal import Crypto
internal import Foundation

/// JSON files that know their own damage: `{"content": …, "espalier_format": …, "sha256": …}`, the checksum over the
/// content. What is read has to be, byte for byte, what would be written, so that no change goes unseen.
package struct SealedJSON<Content: Codable>: Codable {
  private let content: Content
  private let format: String
  private let checksum: String

  private enum CodingKeys: String, CodingKey {
    case content
    case format = "espalier_format"
    case checksum = "sha256"
  }

  private init(_ content: Content, format: String) throws {
    self.content = content
    self.format = format
    checksum = SHA256.hash(data: try NonFiniteNumbers.encoder().encode(content)).hexadecimal
  }

  /// The file's bytes for `content`.
  ///
  /// - Parameter format: kind and version, such as `run-1`.
  /// - Throws: ``ArtifactError`` should it have no JSON.
  package static func bytes(_ content: Content, format: String) throws(ArtifactError) -> [UInt8] {
    do {
      return [UInt8](try NonFiniteNumbers.encoder(.prettyPrinted).encode(Self(content, format: format)))
        + [UInt8(ascii: "\n")]
    } catch {
      throw ArtifactError(code: .malformed, message: "a \(format) file cannot be written as JSON: \(error)")
    }
  }

  /// The content of a file's bytes; nil when they are damaged, of another format, or more than `largestFile`.
  package static func content(of bytes: [UInt8], format: String, largestFile: Int) -> Content? {
    guard bytes.count <= largestFile,
      let read = try? NonFiniteNumbers.decoder().decode(Self.self, from: Data(bytes)), read.format == format,
      let written = try? Self.bytes(read.content, format: format), written == bytes
    else { return nil }
    return read.content
  }
}
