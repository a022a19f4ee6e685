public import Blueprints

/// What is multiplied into or added to tensors while they are written. Tensors without an edit are copied byte for byte.
///
/// A tensor W with both becomes (W + scale · B · A) · diag(factors), since a gate stands before its projection.
public struct TensorEdits: Sendable {
  /// Factors of the model's units, by layer and sublayer, one per unit, as ``Blueprint/mask(_:)`` gives them: folded into
  /// the columns of output and down. Those of removed units are not used.
  public var factors: [[Int: [Float]]]?
  /// Updates by the tensor's role in the model before the cut.
  public var lowRank: [TensorRole: LowRankUpdate]

  public init(factors: [[Int: [Float]]]? = nil, lowRank: [TensorRole: LowRankUpdate] = [:]) {
    self.factors = factors
    self.lowRank = lowRank
  }
}

/// W += scale · B · A: what LoRA has learned of one matrix `[out, in]`, of the model before the cut.
public struct LowRankUpdate: Sendable, Equatable {
  public var rank: Int
  /// A, `[rank, in]`, row by row.
  public var a: [Float]
  /// B, `[out, rank]`, row by row.
  public var b: [Float]
  /// LoRA's α / r.
  public var scale: Float

  public init(rank: Int, a: [Float], b: [Float], scale: Float) {
    self.rank = rank
    self.a = a
    self.b = b
    self.scale = scale
  }
}
