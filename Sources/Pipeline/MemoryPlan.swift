internal import Tensors
internal import Architectures
public import Artifacts
internal import Blueprints

/// What a rank's memory holds at most while it scores, by DESIGN §2: its share of the model, the groups in flight, one
/// layer in float32 with its gradients, one batch's inside, and the boundaries, which may go to a file instead.
struct MemoryPlan {
  /// Bytes that can not be spilled.
  let fixedBytes: Int
  /// Bytes of all boundaries of a rank.
  let boundaryBytes: Int
  private let limit: ByteSize?

  /// - Parameters:
  ///   - tokens: this rank's calibration tokens.
  ///   - batchTokens: tokens of its largest batch.
  ///   - ranks: how many share the model, or nil when weights come from mapped files, whose pages the system can drop.
  init(_ model: Model, tokens: Int, batchTokens: Int, owners ranks: Int?, limit: ByteSize?) {
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
    let head = 3 * Self.headBudget + batchTokens * blueprint.hiddenSize * 4 * 4
    fixedBytes = held + 2 * widest + max(batchTokens * inside * 4, head) + Self.program
    boundaryBytes = (blueprint.layers.count + 1) * tokens * blueprint.hiddenSize * 4
  }

  /// What boundaries may take in memory; nil for all.
  ///
  /// - Throws: ``MemoryLimitError`` when the limit is below what must be in memory.
  func boundaryBudget() throws(MemoryLimitError) -> Int? {
    guard let limit else { return nil }
    guard limit.bytes >= fixedBytes else { throw MemoryLimitError(limit: limit, needed: ByteSize(bytes: fixedBytes)) }
    return limit.bytes - fixedBytes
  }

  /// Of the program itself and its libraries.
  private static let program = 100 << 20
  /// Of logits, their gradients, or the widened output matrix (`HeadPass`).
  private static let headBudget = 256 << 20

  /// Activations and their gradients that one token has inside a layer.
  private static func floatsPerToken(_ layer: LayerSpecification, hiddenSize: Int) -> Int {
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

  public var description: String {
    "resources.memory-limit: \(limit) per rank is too little, about \(needed.rounded) is needed; raise it, lower "
      + "resources.microbatch, or use more ranks"
  }

  var exitCode: Int32 { ExitCode.memory }
}
