import Foundation
import Tokenizers

/// The folder Tests/Fixtures.
let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
  path: "Fixtures")

/// A text with what Hugging Face's `tokenizers` makes of it.
struct Golden: Decodable {
  let text: String
  let ids: [Int32]
  let idsSpecial: [Int32]?
  let decoded: String?
  let decodedSkip: String?

  enum CodingKeys: String, CodingKey {
    case text, ids, decoded
    case idsSpecial = "ids_special"
    case decodedSkip = "decoded_skip"
  }

  static func rows(_ name: String) throws -> [Golden] {
    try JSONDecoder().decode([Golden].self, from: Data(contentsOf: fixtures.appending(path: "tokenizers/\(name)")))
  }
}

/// A folder that is gone when the test is.
final class TemporaryFolder {
  let url = FileManager.default.temporaryDirectory.appending(path: "espalier-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: url) }

  func file(_ contents: Data, _ name: String = "tokenizer.json") throws -> String {
    try contents.write(to: url.appending(path: name))
    return url.appending(path: name).path
  }

  func tokenizer(_ json: String) throws -> Tokenizer { try Tokenizer(contentsOfFile: file(Data(json.utf8))) }
}

/// The scalars of `text`, which compare without canonical equivalence.
func scalars(_ text: String) -> [Unicode.Scalar] { Array(text.unicodeScalars) }
