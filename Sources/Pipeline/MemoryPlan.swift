internal import Tensors
package import Architectures
public import Artifacts
internal import Blueprints
internal import Transformers

/// What a rank's memory holds at most while it scores, by DESIGN §2: its share of the model, the groups in flight, one
/// layer in float32 with its gradients, one batch's inside, and the boundaries, which may go to a file instead.
package struct MemoryPlan {
  /// Bytes that can not be spilled.
  package let fixedBytes: Int
  /// Bytes of all boundaries of a rank.
  package let boundaryBytes: Int
  private let limit: ByteSize?

  /// - Parameters:
  ///   - tokens: this rank's calibration tokens.
  ///   - batchTokens: tokens of its largest batch.
  ///   - ranks: how many share the model, or nil when weights come from mapped files, whose pages the system can drop.
  package init(_ model: Model, tokens: Int, batchTokens: Int, owners ranks: Int?, limit: ByteSize?) {
    let blueprint = model.blueprint
    self.limit = limit
    let groupBytes = blueprint.groups.map { group in
      blueprint.tensors(of: group).reduce(0) { $0 + ((try? model.tensor($1).byteCount) ?? 0) }
    }
    let layerParameters = blueprint.layers.indices.map { layer in
      blueprint.tensors(of: .layer(layer)).reduce(0) { $0 + $1.shape.reduce(1, *) }
    }
    let inside = blueprint.layers.map { Self.floatsPerToken($0, hiddenSize: blueprint.hiddenSize) }.max() ?? 0
    let widest = (layerParameters.max() ?? 0) * 4
    // Weights from owners: this rank's share, two groups fetched ahead, one in use.
    let held = ranks.map { groupBytes.reduce(0, +) / $0 + 3 * (groupBytes.max() ?? 0) } ?? 0
    // The widened output matrix, the logits of a batch and their gradients, each in parts when large (`HeadPass`).
    let parts = [blueprint.hiddenSize, batchTokens, batchTokens].map {
      min($0 * blueprint.vocabularySize, Self.headBudget)
    }
    let head = (parts.reduce(0, +) + batchTokens * blueprint.hiddenSize * 4) * 4
    fixedBytes = held + 2 * widest + max(batchTokens * inside * 4, head) + Self.program
    boundaryBytes = BoundaryStore.byteCount(
      layers: blueprint.layers.count + 1, tokens: tokens, hiddenSize: blueprint.hiddenSize)
  }

  /// What boundaries may take in memory; nil for all.
  ///
  /// - Throws: ``MemoryLimitError`` when the limit is below what must be in memory.
  package func boundaryBudget() throws(MemoryLimitError) -> Int? {
    guard let limit else { return nil }
    guard limit.bytes >= fixedBytes else {
      // Rounded up, so that asking for the printed size works.
      let needed = ByteSize(bytes: (fixedBytes + 999_999) / 1_000_000 * 1_000_000)
      throw MemoryLimitError(limit: limit, needed: needed)
    }
    return limit.bytes - fixedBytes
  }

  /// Of the program itself and its libraries.
  private static let program = 100 << 20
  /// Numbers of logits, of their gradients, or of the widened output matrix at a time (`HeadPass`).
  private static let headBudget = 1 << 26

  /// Activations and their gradients that one token has inside a layer.
  static func floatsPerToken(_ layer: LayerSpecification, hiddenSize: Int) -> Int {
    layer.sublayers.reduce(4 * hiddenSize) { sum, sublayer in
      switch sublayer.kind {
      case .attention(let attention):
        sum + 3 * hiddenSize + attention.headWidth * (4 * attention.queryHeads + 4 * attention.keyValueHeads)
      case .mlp(let mlp): sum + 3 * hiddenSize + 6 * mlp.width
      }
    }
  }
}

/// `resources.memory-limit` is below what the run needs.
public struct MemoryLimitError: Error, CustomStringConvertible, Sendable, Equatable {
  public let limit: ByteSize
  public let needed: ByteSize

  package init(limit: ByteSize, needed: ByteSize) { (self.limit, self.needed) = (limit, needed) }

  public var description: String {
    "resources.memory-limit: \(limit) per rank is too little, about \(needed) is needed; raise it, lower "
      + "resources.microbatch, or use more ranks"
  }

  var exitCode: Int32 { ExitCode.memory }
}
