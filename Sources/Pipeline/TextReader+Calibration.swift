package import Artifacts
internal import Blueprints
internal import Calibration
internal import Communication

extension TextReader {
  /// Calibration sequences: text files are tokenized with the model's own tokenizer and cut; of several, each gives its
  /// part. A .safetensors file has them as `input_ids`, in its own order.
  package func sequences(_ calibration: RunDocument.CalibrationSection) throws -> [[Int32]] {
    var pools = try pools(calibration, texts: [calibration.text])
    return try sequences(calibration, text: calibration.text, seed: calibration.seed, from: &pools)
  }

  /// The calibration sets to choose from, and the sequences that they are compared on.
  ///
  /// `calibration.text` as a whole is one source of sets and each of `selection.texts` another; each gives a set for every
  /// seed, a .safetensors file but one. The document's own set comes first. Held-out sequences are of
  /// `selection.held-out`, or else of `calibration.text`, in places that no set has; a single set needs none.
  package func candidates(_ document: RunDocument) throws -> (sets: [CalibrationSet], heldOut: [[Int32]]) {
    let (calibration, selection) = (document.calibration, document.selection)
    let texts = [calibration.text] + selection.texts.map { [$0] }
    let seeds = texts.map { $0.contains(where: Self.holdsTokens) ? 1 : selection.seeds }
    let count = seeds.reduce(0, +)
    guard count <= Self.mostCandidates else {
      throw RunDocumentError(
        .conflict,
        "selection.seeds: \(selection.seeds) make \(count) candidates, each of which is scored; ask for at most "
          + "\(Self.mostCandidates)")
    }
    let heldOutText = count == 1 ? [] : selection.heldOut.map { [$0] } ?? calibration.text
    var pools = try pools(calibration, texts: texts, heldOut: (heldOutText, selection))
    var sets: [CalibrationSet] = []
    for (text, seeds) in zip(texts, seeds) {
      for offset in 0..<seeds {
        let seed = calibration.seed &+ UInt64(offset)
        sets.append(
          CalibrationSet(
            text: text, seed: seed, sequences: try sequences(calibration, text: text, seed: seed, from: &pools)))
      }
    }
    let heldOut = try heldOutText.enumerated().flatMap { index, path in
      let count = Self.share(index, of: selection.sequences, texts: heldOutText.count)
      let sequences = try pools[path]?.heldOut(length: selection.length, sequences: count, seed: calibration.seed) ?? []
      return sequences.isEmpty ? [] : try checked(sequences, of: path).ids
    }
    return (sets, heldOut)
  }

  /// Each candidate is scored, and all have to be held until they are.
  static let mostCandidates = 256

  static func holdsTokens(_ path: String) -> Bool { path.hasSuffix(".safetensors") }

  /// How many of `count` sequences the `index`-th of several texts gives.
  static func share(_ index: Int, of count: Int, texts: Int) -> Int {
    Partition(ranks: texts).block(of: count, rank: index).count
  }

  /// Every file that sets, or what is held out, are taken from, with as many tokens as that needs.
  private func pools(
    _ calibration: RunDocument.CalibrationSection, texts: [[String]],
    heldOut: (text: [String], selection: RunDocument.SelectionSection)? = nil
  ) throws -> [String: TokenPool] {
    var limits: [String: Int] = [:]
    for text in texts {
      if let file = text.first(where: Self.holdsTokens), text.count > 1 {
        throw CalibrationError(
          .invalidArgument, "calibration.text: \(file) holds token ids, and then has to be the only file")
      }
      guard calibration.sequences >= text.count else {
        throw CalibrationError(
          .invalidArgument,
          "calibration.sequences: \(calibration.sequences) is fewer than the \(text.count) texts; each gives at least "
            + "one")
      }
      for (index, path) in text.enumerated() {
        let limit = try poolSize(calibration, Self.share(index, of: calibration.sequences, texts: text.count))
        limits[path] = max(limits[path] ?? 0, limit)
      }
    }
    // More is read than sets are drawn from, so that something is left however many they are.
    if let (text, selection) = heldOut {
      for path in text {
        limits[path, default: 0] += try TokenSequences.poolSize(
          length: selection.length, sequences: selection.sequences)
      }
    }
    let tokenizer = try limits.keys.allSatisfy(Self.holdsTokens) ? nil : tokenizer()
    var pools: [String: TokenPool] = [:]
    for (path, limit) in limits.sorted(by: { $0.key < $1.key }) {
      if let tokenizer, !Self.holdsTokens(path) {
        pools[path] = TokenPool(
          path: path,
          ids: try TokenSequences.tokens(
            of: TextSource(path: path), tokenizer: tokenizer, limit: limit,
            addSpecialTokens: calibration.specialTokens, note: notes.add))
      } else {
        let rows = try inputIDs(path)
        pools[path] = TokenPool(path: path, ids: rows.ids.flatMap { $0 }, rowLength: rows.length)
      }
    }
    return pools
  }

  /// Takes a set's sequences from the pools.
  private func sequences(
    _ calibration: RunDocument.CalibrationSection, text: [String], seed: UInt64, from pools: inout [String: TokenPool]
  ) throws -> [[Int32]] {
    try text.enumerated().flatMap { index, path in
      let count = Self.share(index, of: calibration.sequences, texts: text.count)
      guard let pool = pools[path] else { preconditionFailure("a text that no pool was made for") }
      let places: [Range<Int>]
      if let length = pool.rowLength {
        let rows = pool.ids.count / length
        guard rows >= count else {
          throw CalibrationError(
            .tooFewTokens, "\(path): \(rows) sequences, not \(count); ask for fewer (calibration.sequences)")
        }
        guard length >= 2 else {
          throw CalibrationError(
            .tooFewTokens,
            "\(path): sequences of 1 token, in which nothing follows from anything; give sequences of 2 tokens or more")
        }
        places = (0..<count).map { $0 * length..<($0 + 1) * length }
      } else {
        places = try TokenSequences.choice(
          of: min(pool.ids.count, poolSize(calibration, count)), length: calibration.length, sequences: count,
          seed: seed, path: path)
      }
      pools[path]?.take(places)
      return try checked(places.map { Array(pool.ids[$0]) }, of: path).ids
    }
  }

  private func poolSize(
    _ calibration: RunDocument.CalibrationSection, _ sequences: Int
  ) throws(CalibrationError) -> Int {
    try TokenSequences.poolSize(length: calibration.length, sequences: sequences)
  }
}
