/// Byte-pair encoding (Sennrich et al., arXiv 1508.07909) over bytes: a word starts as its bytes, and the neighboring pair
/// of the lowest rank is merged, leftmost first, until no neighbors can be.
struct BytePairModel: Sendable {
  struct Merge: Sendable {
    let rank: UInt32
    let id: Int32
  }

  /// Token, as the file spells it (``ByteAlphabet``), → id.
  let names: [[UInt8]: Int32]
  /// `[byte]` → id, nil for bytes the vocabulary lacks.
  let byteIDs: [Int32?]
  /// `left << 32 | right` → what they merge to.
  let merges: [UInt64: Merge]
  /// Whether a word that is a token as a whole becomes that token, whatever the merges say.
  let ignoresMerges: Bool
  /// Stands for bytes that the vocabulary lacks; without it they are dropped.
  let unknownID: Int32?
  /// Whether a run of unknown bytes becomes one token.
  let fusesUnknown: Bool

  static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// Appends the ids of `word` to `ids`.
  func encode(_ word: ArraySlice<UInt8>, into ids: inout [Int32]) {
    if ignoresMerges, let id = names[ByteAlphabet.spelled(word)] {
      ids.append(id)
      return
    }
    var symbols = BytePairSymbols(self.symbols(of: word))
    symbols.merge(merges)
    symbols.append(to: &ids)
  }

  private func symbols(of word: ArraySlice<UInt8>) -> [Int32] {
    var symbols: [Int32] = []
    symbols.reserveCapacity(word.count)
    var previousIsUnknown = false
    for byte in word {
      if let id = byteIDs[Int(byte)] {
        symbols.append(id)
        previousIsUnknown = false
      } else if let unknownID {
        if !(previousIsUnknown && fusesUnknown) { symbols.append(unknownID) }
        previousIsUnknown = true
      }
    }
    return symbols
  }
}
