public import Tokenizers

extension TrainingSequences {
  /// How many times the sequences wanted are gathered before they are chosen among them; text beyond that is not read.
  public static let oversampling = 4
  /// Tokens gathered at most, whatever the number of sequences wanted: 2²⁶, which take 256 MiB.
  public static let maximumTokens = 1 << 26
  /// Bytes of a `.txt` file that are read for each token gathered. English has 4 to 5; text of which these are too few
  /// gives fewer sequences.
  public static let bytesPerToken = 8

  /// Sequences of a text, at most `limit` of them.
  ///
  /// Plain documents are tokenized and joined and cut into sequences of `length` tokens, as ``TokenSequences`` does; the
  /// remainder is dropped. An instruction becomes one sequence, of which only the output counts: prompt and output are
  /// tokenized each by itself, so that the boundary lies between two tokens, `endOfText` follows, and what is over
  /// `length` is cut off. One whose prompt alone fills the sequence is left out. Of up to ``oversampling`` · `limit`
  /// sequences, the file's first, the seed draws `limit`. The same arguments give the same sequences everywhere.
  ///
  /// - Parameters:
  ///   - length: Tokens of a sequence, 2 or more; of an instruction, at most.
  ///   - endOfText: The token that ends an output; nil for none.
  ///   - limit: Sequences at most, 1 or more. A text that has fewer gives what it has.
  ///   - note: Takes a line on what of the text was read otherwise than it stands there, or not read.
  /// - Throws: ``CalibrationError`` for a text that cannot be read or tokenized, or does not make one sequence.
  public init(
    _ source: TextSource, tokenizer: Tokenizer, length: Int, seed: UInt64, endOfText: Int32?, limit: Int,
    note: (String) -> Void = { _ in }
  ) throws(CalibrationError) {
    guard length >= 2, limit >= 1, length <= Self.maximumTokens else {
      throw CalibrationError(
        .invalidArgument,
        "\(limit) sequences of \(length) tokens to train on: ask for at least 1 of 2 to \(Self.maximumTokens) tokens")
    }
    let (wanted, overflows) = limit.multipliedReportingOverflow(by: Self.oversampling)
    let enough = min(overflows ? Int.max : wanted, max(1, Self.maximumTokens / length))
    var pool = Pool(length: length, endOfText: endOfText)
    let prefix = enough * length * Self.bytesPerToken
    try source.forEach(prefix: prefix, note: note) { (document) throws(CalibrationError) in
      do throws(TokenizerError) {
        try pool.add(document, tokenizer: tokenizer)
      } catch {
        throw CalibrationError(error, reading: source.path)
      }
      return pool.sequences.count < enough
    }
    guard !pool.sequences.isEmpty else { throw pool.shortage(source.path) }
    let gathered = pool.sequences.prefix(enough)
    var generator = SplitMix64(seed: seed)
    let chosen = generator.permutation(gathered.count).prefix(limit)
    try self.init(chosen.map { gathered[$0] }, seed: seed)
  }

  /// Documents on their way to sequences.
  private struct Pool {
    let length: Int
    let endOfText: Int32?
    var sequences: [TrainingSequence] = []
    /// Tokens of plain documents that do not fill a sequence yet.
    var rest: [Int32] = []
    /// Instructions left out because nothing of the output fits.
    var tooLong = 0

    init(length: Int, endOfText: Int32?) {
      self.length = length
      self.endOfText = endOfText
    }

    mutating func add(_ document: TextDocument, tokenizer: Tokenizer) throws(TokenizerError) {
      switch document {
      case .text(let text):
        rest += try tokenizer.encode(text, addSpecialTokens: false)
        let whole = rest.count / length * length
        for start in stride(from: 0, to: whole, by: length) {
          if let sequence = try? TrainingSequence(ids: Array(rest[start..<start + length])) {
            sequences.append(sequence)
          }
        }
        rest.removeFirst(whole)
      case .instruction(let prompt, let output):
        // Without a prompt there is nothing to answer, and the output is a text.
        guard !prompt.isEmpty else { return try add(.text(output), tokenizer: tokenizer) }
        let context = try tokenizer.encode(prompt, addSpecialTokens: false)
        var ids = context
        ids += try tokenizer.encode(output, addSpecialTokens: false)
        if let endOfText { ids.append(endOfText) }
        if let sequence = try? TrainingSequence(ids: Array(ids.prefix(length)), scoredFrom: context.count) {
          sequences.append(sequence)
        } else {
          tooLong += 1
        }
      }
    }

    func shortage(_ path: String) -> CalibrationError {
      let reason =
        tooLong > 0
        ? "of \(tooLong) instructions none has a token of its output within \(length) tokens; ask for longer sequences"
        : "\(rest.count) tokens make no sequence of \(length); give more text, or ask for shorter sequences"
      return CalibrationError(.tooFewTokens, "\(path): \(reason)")
    }
  }
}
