/// How sequences of different lengths lie one after another in the rows of a matrix `[token, width]`.
///
/// Sequence `s` has the rows `offsets[s] ..< offsets[s + 1]`; positions and attention start anew in each.
public struct SequenceLayout: Sendable, Equatable {
  /// Row boundaries, one more than there are sequences; the first is 0.
  public let offsets: [Int]

  /// Sequences of these lengths, in order.
  public init(lengths: [Int]) {
    precondition(lengths.allSatisfy { $0 > 0 }, "a sequence has at least one token")
    var offsets = [0]
    for length in lengths { offsets.append(offsets[offsets.count - 1] + length) }
    self.offsets = offsets
  }

  /// How many sequences there are.
  public var count: Int { offsets.count - 1 }

  /// How many tokens all sequences have together.
  public var tokens: Int { offsets[offsets.count - 1] }

  /// The rows of sequence `index`.
  public func rows(of index: Int) -> Range<Int> { offsets[index]..<offsets[index + 1] }

  /// The length of the longest sequence; 0 without any.
  public var longest: Int { (0..<count).map { rows(of: $0).count }.max() ?? 0 }
}

/// What attention computes, whatever holds its numbers.
public struct AttentionGeometry: Sendable, Equatable {
  public var queryHeads: Int
  /// Divides `queryHeads`; query head `i` reads key-value head `i / (queryHeads / keyValueHeads)`.
  public var keyValueHeads: Int
  /// Numbers per head.
  public var headWidth: Int
  /// Multiplies the inner products; 1/√headWidth in most models.
  public var scale: Float
  /// Whether a token sees only itself and what came before.
  public var isCausal: Bool
  /// How many tokens a token sees at most, itself counted (Hugging Face's `sliding_window`: token i sees j with
  /// i − window < j ≤ i); nil for no limit. Only under a causal mask.
  public var slidingWindow: Int?

  public init(
    queryHeads: Int, keyValueHeads: Int, headWidth: Int, scale: Float, isCausal: Bool, slidingWindow: Int? = nil
  ) {
    precondition(
      keyValueHeads > 0 && queryHeads % keyValueHeads == 0, "query heads must be a multiple of key-value heads")
    precondition(slidingWindow.map { $0 > 0 && isCausal } ?? true, "a sliding window is causal and above 0")
    self.queryHeads = queryHeads
    self.keyValueHeads = keyValueHeads
    self.headWidth = headWidth
    self.scale = scale
    self.isCausal = isCausal
    self.slidingWindow = slidingWindow
  }

  /// Query heads to a key-value head.
  public var groupSize: Int { queryHeads / keyValueHeads }

  /// The tokens of `sequence` that one or more of `queries`, which lie in it, see.
  public func keys(seenBy queries: Range<Int>, of sequence: Range<Int>) -> Range<Int> {
    guard isCausal else { return sequence }
    let first = slidingWindow.map { max(queries.lowerBound - $0 + 1, sequence.lowerBound) } ?? sequence.lowerBound
    return first..<queries.upperBound
  }

  /// The rows that the last token of a sequence with these rows sees.
  public func keysSeenByLast(of rows: Range<Int>) -> Range<Int> {
    keys(seenBy: rows.upperBound - 1..<rows.upperBound, of: rows)
  }
}

/// Cosines and sines of rotary position embedding, `[position, headWidth / 2]` each.
public struct RotaryTable: Sendable {
  public let half: Int
  public let cosines: [Float]
  public let sines: [Float]

  public init(half: Int, cosines: [Float], sines: [Float]) {
    precondition(half > 0 && cosines.count == sines.count && cosines.count % half == 0, "tables of different sizes")
    self.half = half
    self.cosines = cosines
    self.sines = sines
  }

  /// How many positions the table covers.
  public var positions: Int { cosines.count / half }

  /// A table whose only position, 0, is this one's `position`: for tokens that each stand alone in their row.
  public func only(_ position: Int) -> RotaryTable {
    let part = position * half..<(position + 1) * half
    return RotaryTable(half: half, cosines: Array(cosines[part]), sines: Array(sines[part]))
  }
}

/// A backend's own failure: memory that the machine does not have.
public struct ComputeError: Error, CustomStringConvertible, Sendable, Equatable {
  public let message: String
  public init(_ message: String) { self.message = message }
  public var description: String { message }
}
