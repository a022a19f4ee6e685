import Calibration
import Foundation
import Tokenizers

/// The folder Tests/Fixtures.
let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(
  path: "Fixtures")

/// The tokenizer of the demo: GPT-2's kind, 1024 tokens.
func demoTokenizer() throws -> Tokenizer {
  try Tokenizer(contentsOfFile: fixtures.appending(path: "../../demo/model/tokenizer.json").path)
}

/// A folder that is gone when the test is.
final class TemporaryFolder {
  let url = FileManager.default.temporaryDirectory.appending(path: "espalier-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(at: url) }

  func source(_ contents: some Collection<UInt8>, _ name: String) throws -> TextSource {
    try Data(contents).write(to: url.appending(path: name))
    return try TextSource(path: url.appending(path: name).path)
  }
}

extension TextSource {
  /// All documents.
  func documents(prefix: Int? = nil) throws -> [String] {
    var documents: [String] = []
    try forEachDocument(prefix: prefix) {
      documents.append($0)
      return true
    }
    return documents
  }
}
