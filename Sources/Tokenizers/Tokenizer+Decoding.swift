extension Tokenizer {
  /// The text that `ids` spell; bytes that are no UTF-8 become U+FFFD.
  ///
  /// - Parameter skipSpecialTokens: whether to leave out the tokens that the file calls special.
  /// - Throws: ``TokenizerError`` with `unknownID` for an id that no token has.
  public func decode(_ ids: [Int32], skipSpecialTokens: Bool = false) throws(TokenizerError) -> String {
    var bytes: [UInt8] = []
    var isFirst = true
    for (place, id) in ids.enumerated() {
      guard let name = names[id] else {
        throw TokenizerError(
          .unknownID, "\(file.path): no token has the id \(id) (at place \(place)); ids end before \(vocabularySize)")
      }
      if skipSpecialTokens && specialIDs.contains(id) { continue }
      if !decodesBytes && !isFirst { bytes.append(UInt8(ascii: " ")) }
      bytes.append(contentsOf: decodesBytes ? ByteAlphabet.unspelled(name) : name)
      isFirst = false
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
