internal import Calibration
internal import Foundation
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

  /// Hands a line of ids, separated by spaces, to `emit` for each line of the file, or of standard input.
  ///
  /// - Throws: ``CalibrationError`` when the file cannot be read or is not UTF-8.
  public func run(_ path: String?, emit: (String) -> Void) throws {
    guard let path else {
      while let line = readLine(strippingNewline: true) { emit(try ids(line)) }
      return
    }
    try TextSource(path: path).forEachDocument { text throws(CalibrationError) in
      // "\r\n" is one Character: lines are cut at the scalar.
      var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
      if lines.last?.isEmpty == true { lines.removeLast() }
      for line in lines {
        do throws(TokenizerError) {
          emit(try ids(String(line)))
        } catch {
          throw CalibrationError(.tokenizer, "\(path): \(error.message)")
        }
      }
      return true
    }
  }

  private func ids(_ line: String) throws(TokenizerError) -> String {
    try tokenizer.encode(line, addSpecialTokens: addsSpecialTokens).map(String.init).joined(separator: " ")
  }
}
