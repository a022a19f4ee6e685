internal import Calibration
internal import Foundation
internal import Tensors
internal import Tokenizers

/// Tokenizes a text line by line, or document by document, for `espalier tokenize`.
public struct LineTokenizer {
  private let tokenizer: Tokenizer
  private let addsSpecialTokens: Bool

  /// - Throws: ``TokenizerError`` when the folder has no tokenizer.json that can be used.
  public init(model: String, addsSpecialTokens: Bool) throws {
    tokenizer = try Tokenizer(contentsOfFile: model + "/tokenizer.json")
    self.addsSpecialTokens = addsSpecialTokens
  }

  /// Writes a line of ids, separated by spaces, for each line of a .txt file or of standard input, and for each document
  /// of a .json or .jsonl file. A line ends with LF, which alone is not tokenized.
  ///
  /// - Throws: ``CalibrationError`` when the text cannot be read or is not UTF-8, ``StorageError`` when the ids cannot be
  ///   written.
  public func run(_ path: String?, into output: StandardOutput) throws {
    var failure: StorageError?
    func write(_ line: String) throws(CalibrationError) -> Bool {
      let ids = try ids(line, of: path ?? Self.standardInput)
      do throws(StorageError) {
        try output.line(ids)
      } catch {
        failure = error
        return false
      }
      return true
    }
    if let path {
      try TextSource(path: path).forEachLine(note: Self.warn, write)
    } else {
      try Self.readStandardInput(write)
    }
    if let failure { throw failure }
    try output.flush()
  }

  private static let standardInput = "standard input"

  /// Lines of any program's output, as they come.
  private static func readStandardInput(_ visit: (String) throws(CalibrationError) -> Bool) throws {
    var lines = TextLines(of: standardInput)
    while let chunk = try FileHandle.standardInput.read(upToCount: 1 << 16), !chunk.isEmpty {
      guard try lines.take([UInt8](chunk), visit) else { return }
    }
    try lines.end(visit)
  }

  private static func warn(_ note: String) {
    FileHandle.standardError.write(Data("espalier: warning: \(note)\n".utf8))
  }

  private func ids(_ line: String, of path: String) throws(CalibrationError) -> String {
    do throws(TokenizerError) {
      return try tokenizer.encode(line, addSpecialTokens: addsSpecialTokens).map(String.init).joined(separator: " ")
    } catch {
      throw CalibrationError(.tokenizer, "\(path): \(error.message)")
    }
  }
}
