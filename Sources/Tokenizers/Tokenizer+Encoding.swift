extension Tokenizer {
  /// The token ids of `text`.
  ///
  /// - Parameter addSpecialTokens: whether to add what the file's template adds, as Llama 3's <|begin_of_text|>.
  ///   Special tokens written in the text are recognized either way.
  /// - Throws: ``TokenizerError`` with `patternFailed` or `textTooLong`.
  public func encode(_ text: String, addSpecialTokens: Bool = true) throws(TokenizerError) -> [Int32] {
    let bytes = Array(text.utf8)
    guard bytes.count < UInt32.max else {
      throw TokenizerError(
        .textTooLong, "\(file.path): a text of \(bytes.count) bytes; split it into documents below 4 GiB")
    }
    var words = WordEncoder(model)
    let preTokenization = PreTokenization(preTokenizer)
    for segment in plainTokens.segments(bytes, bytes.indices) {
      switch segment {
      case .token(let id): words.ids.append(id)
      case .text(let range):
        let isPlain = if case .identity = normalizer { true } else { false }
        let normalized = isPlain ? bytes : try normalizer(bytes, range, file: file)
        for segment in normalizedTokens.segments(normalized, isPlain ? range : normalized.indices) {
          switch segment {
          case .token(let id): words.ids.append(id)
          case .text(let range): try preTokenization.words(normalized, range) { words.append($0) }
          }
        }
      }
    }
    return addSpecialTokens ? postProcessor(words.ids) : words.ids
  }
}

/// Collects the ids of words, and remembers those of short words, which make up most of any text.
private struct WordEncoder {
  /// Words remembered, at most, and their length in bytes.
  private static let cacheLimits = (words: 1 << 16, length: 64)

  var ids: [Int32] = []
  private let model: BytePairModel
  private var cache: [[UInt8]: [Int32]] = [:]

  init(_ model: BytePairModel) { self.model = model }

  mutating func append(_ word: ArraySlice<UInt8>) {
    guard word.count <= Self.cacheLimits.length else { return model.encode(word, into: &ids) }
    let key = Array(word)
    if let known = cache[key] {
      ids.append(contentsOf: known)
      return
    }
    let start = ids.count
    model.encode(word, into: &ids)
    if cache.count < Self.cacheLimits.words { cache[key] = Array(ids[start...]) }
  }
}
