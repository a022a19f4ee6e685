/// Finds sequences again in other text, whatever the files are called that both are from.
package enum SharedText {
  /// So many tokens in a row are no coincidence.
  static let passage = 32

  /// How many of `sequences` have a passage in common with one of `windows`. Where all of either are shorter than half a
  /// passage, nothing can be told.
  ///
  /// Passages lie end to end in a sequence, and are looked for at every place of a window, by a rolling hash.
  package static func count(of sequences: [[Int32]], in windows: [[Int32]]) -> Int {
    let longest = [sequences, windows].map { $0.map(\.count).max() ?? 0 }
    let length = min(passage, longest[0], longest[1])
    guard length * 2 >= passage else { return 0 }
    // Passages by their hash, with the sequences that have them.
    var passages: [UInt64: [(sequence: Int, start: Int)]] = [:]
    for (index, sequence) in sequences.enumerated() where sequence.count >= length {
      for start in stride(from: 0, through: sequence.count - length, by: length) {
        passages[hash(sequence[start..<start + length]), default: []].append((index, start))
      }
    }
    // What a token weighs that leaves the hash.
    let leaving = (1..<length).reduce(UInt64(1)) { power, _ in power &* base }
    var found: Set<Int> = []
    for window in windows where window.count >= length {
      var current = hash(window[..<length])
      for start in 0...window.count - length {
        if start > 0 {
          current = (current &- weight(window[start - 1]) &* leaving) &* base &+ weight(window[start + length - 1])
        }
        for (index, place) in passages[current] ?? [] where !found.contains(index) {
          if sequences[index][place..<place + length] == window[start..<start + length] { found.insert(index) }
        }
      }
    }
    return found.count
  }

  private static let base: UInt64 = 0x9E37_79B9_7F4A_7C15

  private static func weight(_ token: Int32) -> UInt64 { UInt64(UInt32(bitPattern: token)) &+ 1 }

  private static func hash(_ tokens: ArraySlice<Int32>) -> UInt64 {
    tokens.reduce(0) { $0 &* base &+ weight($1) }
  }
}
