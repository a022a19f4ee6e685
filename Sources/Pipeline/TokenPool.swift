internal import Calibration

/// The tokens of a file, read once however many calibration sets take sequences of it; what none has taken can be held
/// out.
struct TokenPool {
  let path: String
  let ids: [Int32]
  /// Tokens of each sequence of a file that holds sequences; nil for a text, which has no ends.
  let rowLength: Int?
  private var isTaken: [Bool]

  init(path: String, ids: [Int32], rowLength: Int? = nil) {
    self.path = path
    self.ids = ids
    self.rowLength = rowLength
    isTaken = Array(repeating: false, count: ids.count)
  }

  /// Marks these places as a set's.
  mutating func take(_ ranges: [Range<Int>]) {
    for range in ranges {
      for place in range { isTaken[place] = true }
    }
  }

  /// `sequences` stretches of `length` tokens that were not taken, drawn by the seed.
  ///
  /// - Throws: ``CalibrationError`` with `tooFewTokens` when there are fewer.
  func heldOut(length: Int, sequences: Int, seed: UInt64) throws(CalibrationError) -> [[Int32]] {
    let free = freeStretches(length: length)
    guard free.count >= sequences else {
      throw CalibrationError(
        .tooFewTokens,
        "\(path): \(ids.count - isTaken.count(where: { $0 })) tokens that no candidate has make \(free.count) sequences of "
          + "\(length) to hold out, not \(sequences); give more text, name another (selection.held-out), or ask for less "
          + "(selection.sequences, selection.length)")
    }
    var generator = SplitMix64(seed: seed)
    return generator.permutation(free.count).prefix(sequences).map { Array(ids[free[$0]]) }
  }

  private func freeStretches(length: Int) -> [Range<Int>] {
    var stretches: [Range<Int>] = []
    var start = 0
    for place in ids.indices {
      if let rowLength, place % rowLength == 0 { start = place }
      if isTaken[place] {
        start = place + 1
      } else if place + 1 - start == length {
        stretches.append(start..<place + 1)
        start = place + 1
      }
    }
    return stretches
  }
}
