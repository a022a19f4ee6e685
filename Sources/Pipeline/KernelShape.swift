internal import Checkpoints
internal import Architectures
internal import Artifacts
internal import Blueprints

/// The widths that decide how large a model's products and vectors are.
struct KernelShape: Equatable {
  let name: String
  let hiddenSize: Int
  let queryHeads: Int
  let keyValueHeads: Int
  let headWidth: Int
  let neurons: Int
  let vocabularySize: Int

  /// A small model and a large one, measured when no model is named.
  static let published = [
    KernelShape(
      name: "SmolLM2-135M", hiddenSize: 576, queryHeads: 9, keyValueHeads: 3, headWidth: 64, neurons: 1536,
      vocabularySize: 49152),
    KernelShape(
      name: "Llama-3.1-8B", hiddenSize: 4096, queryHeads: 32, keyValueHeads: 8, headWidth: 128, neurons: 14336,
      vocabularySize: 128256),
  ]

  /// A linear map of a layer: what reads its input has as many columns, and gives as many.
  struct Map {
    /// The projections that have this shape.
    let name: String
    let input: Int
    let output: Int
  }

  /// The layer's linear maps and a part of the output matrix, those of one shape together.
  var maps: [Map] {
    let (queries, keys) = (queryHeads * headWidth, keyValueHeads * headWidth)
    var maps: [Map] = []
    for (name, input, output) in [
      ("q", hiddenSize, queries), ("k", hiddenSize, keys), ("v", hiddenSize, keys), ("o", queries, hiddenSize),
      ("gate", hiddenSize, neurons), ("up", hiddenSize, neurons), ("down", neurons, hiddenSize),
      ("head", hiddenSize, headRows),
    ] {
      if let known = maps.firstIndex(where: { ($0.input, $0.output) == (input, output) }) {
        maps[known] = Map(name: "\(maps[known].name) \(name)", input: input, output: output)
      } else {
        maps.append(Map(name: name, input: input, output: output))
      }
    }
    return maps
  }

  /// Rows of the output matrix that are measured; the whole is computed in parts anyway.
  var headRows: Int { min(vocabularySize, 8192) }
}

extension KernelShape {
  /// The shape of a model: of its first attention and its first MLP that are not cut away.
  ///
  /// - Throws: ``RunDocumentError`` for a model without one of them.
  init(_ model: Model) throws(RunDocumentError) {
    var attention: AttentionSpecification?
    var mlp: MLPSpecification?
    for sublayer in model.blueprint.layers.flatMap(\.sublayers) where !sublayer.isAbsent {
      switch sublayer.kind {
      case .attention(let specification): attention = attention ?? specification
      case .mlp(let specification): mlp = mlp ?? specification
      }
    }
    guard let attention, let mlp else {
      throw RunDocumentError(
        .invalidValue,
        "--model \(model.folder.path): no attention or no MLP is left in it; name the model it was cut from")
    }
    self.init(
      name: model.folder.path, hiddenSize: model.blueprint.hiddenSize, queryHeads: attention.queryHeads,
      keyValueHeads: attention.keyValueHeads, headWidth: attention.headWidth, neurons: mlp.width,
      vocabularySize: model.blueprint.vocabularySize)
  }
}
