internal import Tensors
internal import Blueprints
public import Compute

/// The first hidden states: rows of the token embedding.
public struct EmbeddingPass {
  private let backend: any ComputeBackend

  public init(backend: any ComputeBackend) { self.backend = backend }

  /// The embeddings of a batch's tokens, `[token, hidden]`. Only the rows asked for are widened, so that a table larger
  /// than memory's share stays where it is stored.
  public func forward(_ batch: TokenBatch, weights: GroupWeights) throws -> Matrix {
    let table = weights[TensorRole(.embedding, .tokenEmbedding)]
    let output = try backend.makeMatrix(batch.ids.count, table.shape.dimensions[1], isZeroed: false)
    for (row, id) in batch.ids.enumerated() {
      try backend.load(table, rows: Int(id)..<Int(id) + 1, into: output.rows(row..<row + 1))
    }
    return output
  }

  /// Adds the gradient of each token's embedding to its row of the table's gradient `[vocabulary, hidden]`.
  public func backward(_ gradient: Matrix, batch: TokenBatch, tableGradient: Matrix) {
    backend.addRows(of: gradient, at: batch.ids, to: tableGradient, scale: 1, direction: .scatter)
  }
}
