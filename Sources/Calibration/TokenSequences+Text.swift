public import Tokenizers

extension TokenSequences {
  /// How many times the tokens needed are gathered before the sequences are chosen among them. Text beyond that is not
  /// read, so a corpus of any size can be named.
  public static let oversampling = 8
  /// Bytes of a `.txt` file that are read for each token gathered. English has 4 to 5; text of which these are too few
  /// gives fewer sequences to choose from.
  public static let bytesPerToken = 64

  /// `sequences` sequences of `length` tokens, chosen from a text.
  ///
  /// The documents are tokenized in order and their ids joined, up to ``oversampling`` · `length` · `sequences` of them;
  /// these are cut into consecutive sequences, the remainder dropped; the sequences are shuffled with ``SplitMix64`` and
  /// the first ones taken. The same arguments give the same sequences on every rank and machine.
  ///
  /// - Parameter addSpecialTokens: whether each document gets what the tokenizer's template adds.
  /// - Throws: ``CalibrationError`` for a text that cannot be read, tokenized, or is too short.
  public init(
    _ source: TextSource, tokenizer: Tokenizer, length: Int, sequences: Int, seed: UInt64,
    addSpecialTokens: Bool = false
  ) throws(CalibrationError) {
    let pool = try TokenSequences.tokens(
      of: source, tokenizer: tokenizer, limit: try Self.poolSize(length: length, sequences: sequences),
      addSpecialTokens: addSpecialTokens)
    let chosen = try Self.choice(
      of: pool.count, length: length, sequences: sequences, seed: seed, path: source.path)
    try self.init(ids: chosen.map { Array(pool[$0]) })
  }

  /// How many of a text's first tokens `sequences` sequences of `length` are chosen among.
  ///
  /// - Throws: ``CalibrationError`` with `invalidArgument` for numbers below 1, and for more tokens than can be.
  public static func poolSize(length: Int, sequences: Int) throws(CalibrationError) -> Int {
    guard length > 0, sequences > 0 else {
      throw CalibrationError(
        .invalidArgument, "\(sequences) sequences of \(length) tokens: both numbers have to be at least 1")
    }
    let (needed, overflows) = length.multipliedReportingOverflow(by: sequences)
    guard !overflows, needed <= Int(Int32.max) / Self.oversampling else {
      throw CalibrationError(
        .invalidArgument,
        "\(sequences) sequences of \(length) tokens are too many; ask for at most "
          + "\(Int(Int32.max) / Self.oversampling) tokens in all")
    }
    return needed * Self.oversampling
  }

  /// Where the sequences lie that a seed chooses among a pool of `tokens` tokens of the text at `path`.
  ///
  /// - Throws: ``CalibrationError`` with `tooFewTokens` for a pool too small.
  public static func choice(
    of tokens: Int, length: Int, sequences: Int, seed: UInt64, path: String
  ) throws(CalibrationError) -> [Range<Int>] {
    let available = tokens / length
    guard available >= sequences else {
      throw CalibrationError(
        .tooFewTokens,
        "\(path): \(tokens) tokens make \(available) sequences of \(length), not \(sequences); "
          + "give more text, or ask for fewer or shorter sequences")
    }
    var generator = SplitMix64(seed: seed)
    return generator.permutation(available).prefix(sequences).map { $0 * length..<($0 + 1) * length }
  }

  /// The ids of all documents of `source`, joined; with a `limit`, the first so many, and no more text is read than that
  /// takes.
  ///
  /// - Parameter note: takes a line on what of the text was read otherwise than it stands there, or not read.
  public static func tokens(
    of source: TextSource, tokenizer: Tokenizer, limit: Int? = nil, addSpecialTokens: Bool = false,
    note: (String) -> Void = { _ in }
  ) throws(CalibrationError) -> [Int32] {
    var ids: [Int32] = []
    let prefix = limit.map { limit in
      let (bytes, overflows) = limit.multipliedReportingOverflow(by: bytesPerToken)
      return overflows ? Int.max : bytes
    }
    try source.forEachDocument(prefix: prefix, note: note) { (document) throws(CalibrationError) in
      do throws(TokenizerError) {
        ids += try tokenizer.encode(document, addSpecialTokens: addSpecialTokens)
      } catch {
        throw CalibrationError(error, reading: source.path)
      }
      return ids.count < limit ?? Int.max
    }
    if let limit, ids.count > limit { ids.removeLast(ids.count - max(limit, 0)) }
    return ids
  }
}
