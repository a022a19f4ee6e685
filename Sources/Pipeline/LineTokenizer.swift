internal import Calibration
internal import Foundation
internal import Tensors
internal import Tokenizers

/// Tokenizes a text line by line, for `espalier tokenize`.
public struct LineTokenizer {
  private let tokenizer: Tokenizer
  private let addsSpecialTokens: Bool

  /// - Throws: ``TokenizerError`` when the folder has no tokenizer.json that can be used.
  public init(model: String, addsSpecialTokens: Bool) throws {
    tokenizer = try Tokenizer(contentsOfFile: model + "/tokenizer.json")
    self.addsSpecialTokens = addsSpecialTokens
  }

  /// Writes a line of ids, separated by spaces, for each line of the file, or of standard input. Lines end with LF or
  /// CRLF, neither of which is tokenized.
  ///
  /// - Throws: ``CalibrationError`` when the text cannot be read or is not UTF-8, ``StorageError`` when the ids cannot be
  ///   written.
  public func run(_ path: String?, into output: StandardOutput) throws {
    if let path { try file(path, into: output) } else { try standardInput(into: output) }
    try output.flush()
  }

  private func file(_ path: String, into output: StandardOutput) throws {
    var failure: StorageError?
    try TextSource(path: path).forEachDocument { text throws(CalibrationError) in
      // "\r\n" is one Character: lines are cut at the scalar.
      var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
      if lines.last?.isEmpty == true { lines.removeLast() }
      for line in lines {
        let line = line.last == "\r" ? line.dropLast() : line
        let ids = try ids(String(line), of: path)
        do throws(StorageError) {
          try output.line(ids)
        } catch {
          failure = error
          return false
        }
      }
      return true
    }
    if let failure { throw failure }
  }

  /// Lines of any program's output, as they come.
  private func standardInput(into output: StandardOutput) throws {
    var pending: [UInt8] = []
    var offset = 0
    func emit(_ bytes: ArraySlice<UInt8>) throws {
      let line = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
      guard let text = String(validating: line, as: UTF8.self) else {
        throw CalibrationError(
          .invalidUTF8, "standard input: invalid UTF-8 in the line that begins at byte \(offset); convert it to UTF-8")
      }
      try output.line(try ids(text, of: "standard input"))
      offset += bytes.count + 1
    }
    while let chunk = try FileHandle.standardInput.read(upToCount: 1 << 16), !chunk.isEmpty {
      let searched = pending.count
      pending += chunk
      var start = 0
      while let end = pending[max(start, searched)...].firstIndex(of: UInt8(ascii: "\n")) {
        try emit(pending[start..<end])
        start = end + 1
      }
      pending.removeFirst(start)
      guard pending.count <= TextSource.maximumDocumentSize else {
        throw CalibrationError(
          .tooLarge, "standard input: a line of more than \(TextSource.maximumDocumentSize) bytes; split it")
      }
    }
    if !pending.isEmpty { try emit(pending[...]) }
  }

  private func ids(_ line: String, of path: String) throws(CalibrationError) -> String {
    do throws(TokenizerError) {
      return try tokenizer.encode(line, addSpecialTokens: addsSpecialTokens).map(String.init).joined(separator: " ")
    } catch {
      throw CalibrationError(.tokenizer, "\(path): \(error.message)")
    }
  }
}
