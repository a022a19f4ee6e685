/// A token that is looked for in the text itself, before the model sees it.
struct AddedToken: Sendable, Equatable {
  let id: Int32
  /// UTF-8.
  let content: [UInt8]
  /// Matches only where no word character touches it.
  let singleWord: Bool
  /// Takes the whitespace before it.
  let leftStrip: Bool
  /// Takes the whitespace behind it.
  let rightStrip: Bool
  /// Is normalized, and looked for in normalized text.
  let normalized: Bool
  /// Can be left out of decoded text.
  let special: Bool
}

extension AddedToken {
  /// Bytes of a token's content, at most; looking for added tokens takes time in proportion to it.
  static let maximumLength = 4096

  /// The list `added_tokens`, in order, with ids checked against the model's vocabulary `names`.
  ///
  /// Hugging Face's `tokenizers` numbers added tokens itself: a token of the vocabulary keeps its id there, the others
  /// follow the largest so far. A file that says otherwise is refused, since its ids would not be those that its model
  /// was trained with in one of the two readings.
  static func list(_ node: JSONNode?, names: [[UInt8]: Int32]) throws(TokenizerError) -> [AddedToken] {
    guard let node else { return [] }
    var tokens: [AddedToken] = []
    var seen: [[UInt8]: AddedToken] = [:]
    var largest: Int32?
    let vocabularyCount = Int32(clamping: names.count)
    for element in try node.elements() {
      let content = try element.required("content")
      let id = try element.required("id")
      let token = AddedToken(
        id: try id.tokenID(), content: try content.bytes(),
        singleWord: try element.bool("single_word", default: false),
        leftStrip: try element.bool("lstrip", default: false),
        rightStrip: try element.bool("rstrip", default: false),
        normalized: try element.bool("normalized", default: true),
        special: try element.bool("special", default: false))
      if token.content.isEmpty || seen[token.content] == token { continue }
      guard token.content.count <= maximumLength else {
        throw node.file.invalid(content.key, "a token of more than \(maximumLength) bytes")
      }
      guard seen[token.content] == nil else {
        throw node.file.invalid(content.key, "the added token \(quoted(token.content)) is given twice")
      }
      let follower = max(largest.map { $0 + 1 } ?? vocabularyCount, vocabularyCount)
      let expected = names[token.content] ?? follower
      guard token.id == expected else {
        throw node.file.invalid(
          id.key, "the added token \(quoted(token.content)) has id \(token.id), but its place gives it \(expected)")
      }
      seen[token.content] = token
      largest = max(largest ?? 0, token.id)
      tokens.append(token)
    }
    return tokens
  }
}
