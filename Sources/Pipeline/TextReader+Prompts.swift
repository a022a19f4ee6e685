package import Artifacts
internal import Blueprints
internal import Calibration
internal import Communication
internal import Tokenizers

extension TextReader {
  /// What the sequences start with that the model writes, all ranks' `[sequence][token]`, and how many different prompts
  /// the texts have for them: where these are fewer, they are taken again in the same order.
  ///
  /// A text is tokenized and cut into prompts as into calibration sequences, and the seed chooses among the first of them;
  /// of a .safetensors file's sequences, which the seed draws, the first tokens are taken. Of several texts, each gives its
  /// part.
  ///
  /// - Throws: the one-line errors of what reads files, and ``RunDocumentError`` when there are no files, or for more tokens
  ///   than a file of text may have.
  package func prompts(_ document: RunDocument) throws -> (ids: [[Int32]], different: Int) {
    let (section, text) = (document.generation, document.generationText)
    guard !text.isEmpty else {
      throw RunDocumentError(
        .missingKey, "generation.text: missing; name a text that prompts are taken from (or calibration.text)")
    }
    // Counts end at 2³¹ − 1, so that the product fits.
    guard section.sequences * section.length <= TrainingSequences.maximumTokens else {
      throw RunDocumentError(
        .invalidValue,
        "generation.sequences: \(section.sequences) sequences of \(section.length) tokens are more than "
          + "\(TrainingSequences.maximumTokens) tokens; ask for fewer")
    }
    guard section.sequences >= text.count else {
      throw RunDocumentError(
        .conflict,
        "generation.sequences: \(section.sequences) is fewer than the \(text.count) texts; each gives at least one prompt"
      )
    }
    let tokenizer = try text.allSatisfy(Self.holdsTokens) ? nil : tokenizer()
    var (prompts, different): ([[Int32]], Int) = ([], 0)
    for (index, path) in text.enumerated() {
      let share = Self.share(index, of: section.sequences, texts: text.count)
      let own = try self.prompts(of: path, tokenizer: tokenizer, section, most: share)
      different += own.count
      prompts += (0..<share).map { own[$0 % own.count] }
    }
    return (prompts, different)
  }

  /// Different prompts of one file, at least one.
  private func prompts(
    of path: String, tokenizer: Tokenizer?, _ section: RunDocument.GenerationSection, most: Int
  ) throws -> [[Int32]] {
    if let tokenizer, !Self.holdsTokens(path) {
      let ids = try TokenSequences.tokens(
        of: TextSource(path: path), tokenizer: tokenizer,
        limit: try TokenSequences.poolSize(length: section.prompt, sequences: most), note: notes.add)
      let places = try TokenSequences.choice(
        of: ids.count, length: section.prompt, sequences: max(1, min(most, ids.count / section.prompt)),
        seed: section.seed, path: path)
      return try checked(places.map { Array(ids[$0]) }, of: path).ids
    }
    let sequences = try inputIDs(path, seed: section.seed, limit: most)
    if let tokens = sequences.first?.count, tokens < section.prompt {
      throw CalibrationError(
        .tooFewTokens,
        "\(path): sequences of \(tokens) tokens have no prompts of \(section.prompt); ask for shorter ones "
          + "(generation.prompt)")
    }
    return sequences.map { Array($0.prefix(section.prompt)) }
  }
}
