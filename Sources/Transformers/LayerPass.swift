public import Blueprints
public import Compute

/// Factors that multiply the units of one layer: by sublayer, one factor per unit.
public typealias LayerGates = [Int: [Float]]

/// One layer's forward and backward pass over a batch: its sublayers in turn.
public struct LayerPass {
  private let backend: any ComputeBackend
  private let sublayers: [Sublayer]

  private enum Sublayer {
    case attention(AttentionSublayer)
    case mlp(MLPSublayer)
    /// No unit is left; `bias` is the part that still adds to the stream, where the layer has it.
    case absent(bias: TensorPart)
  }

  /// What the forward pass leaves for the backward one: each sublayer's input and activations.
  public struct Activations {
    fileprivate enum Kind {
      case attention(AttentionSublayer.Activations)
      case mlp(MLPSublayer.Activations)
      case absent
    }
    fileprivate var sublayers: [(stream: Matrix, kind: Kind)] = []
  }

  /// The pass of one layer; `positions` is the length of the longest sequence to come.
  ///
  /// - Throws: ``TransformerError`` for a layer kind that has no arithmetic yet.
  public init(
    _ layer: LayerSpecification, backend: any ComputeBackend, rotaryTables: RotaryTables
  ) throws(TransformerError) {
    self.backend = backend
    var sublayers: [Sublayer] = []
    for sublayer in layer.sublayers {
      guard sublayer.norm.kind == .rms, sublayer.normPlacement == .before else {
        throw TransformerError.unsupported("layers normed other than by RMSNorm before each sublayer")
      }
      switch sublayer.kind {
      case .attention where sublayer.isAbsent: sublayers.append(.absent(bias: .outputBias))
      case .mlp where sublayer.isAbsent: sublayers.append(.absent(bias: .downBias))
      case .attention(let attention):
        guard attention.source == .ownStack else { throw TransformerError.unsupported("cross attention") }
        var table: RotaryTable?
        switch attention.position {
        case .none: break
        case .rotary(let rotary): table = rotaryTables.table(rotary, headWidth: attention.headWidth)
        case .relativeBias, .sharedRelativeBias: throw TransformerError.unsupported("relative position bias")
        }
        sublayers.append(
          .attention(
            AttentionSublayer(backend: backend, norm: sublayer.norm, specification: attention, rotary: table)))
      case .mlp(let mlp):
        guard mlp.isGated, mlp.activation == .silu else {
          throw TransformerError.unsupported("an MLP other than the gated one with silu")
        }
        sublayers.append(.mlp(MLPSublayer(backend: backend, norm: sublayer.norm, specification: mlp)))
      }
    }
    self.sublayers = sublayers
  }

  /// Runs `stream` `[token, hidden]` through the layer.
  public func forward(
    _ stream: Matrix, layout: SequenceLayout, weights: GroupMatrices, gates: LayerGates?,
    adapters: AppliedAdapters? = nil
  ) throws -> (output: Matrix, activations: Activations) {
    var stream = stream
    var activations = Activations()
    for (index, sublayer) in sublayers.enumerated() {
      let gate = try gates?[index].map { try backend.makeMatrix(1, $0.count, values: $0) }
      let sublayerWeights = weights.sublayer(index, adapters: adapters)
      switch sublayer {
      case .attention(let attention):
        let result = try attention.forward(stream, layout: layout, weights: sublayerWeights, gate: gate)
        activations.sublayers.append((stream, .attention(result.activations)))
        stream = result.output
      case .mlp(let mlp):
        let result = try mlp.forward(stream, weights: sublayerWeights, mask: gate)
        activations.sublayers.append((stream, .mlp(result.activations)))
        stream = result.output
      case .absent(let part):
        activations.sublayers.append((stream, .absent))
        stream = try addBias(sublayerWeights[part], to: stream)
      }
    }
    return (stream, activations)
  }

  /// The caches that ``step(_:position:weights:caches:)`` fills, by sublayer; nil where it has no attention.
  func makeCaches(sequences: Int, length: Int) throws -> [KeyValueCache?] {
    try sublayers.map { sublayer in
      guard case .attention(let attention) = sublayer else { return nil }
      return try KeyValueCache(attention.specification, sequences: sequences, length: length, backend: backend)
    }
  }

  /// Runs `stream` `[sequence, hidden]`, the token at `position` of each sequence, through the layer; the caches hold what
  /// the layer made of the tokens before.
  func step(
    _ stream: Matrix, position: Int, weights: GroupMatrices, caches: [KeyValueCache?]
  ) throws -> Matrix {
    var stream = stream
    for (index, sublayer) in sublayers.enumerated() {
      let sublayerWeights = weights.sublayer(index)
      switch sublayer {
      case .attention(let attention):
        guard let cache = caches[index] else { preconditionFailure("caches of another layer") }
        stream = try attention.step(stream, position: position, cache: cache, weights: sublayerWeights)
      case .mlp(let mlp): stream = try mlp.forward(stream, weights: sublayerWeights, mask: nil).output
      case .absent(let part): stream = try addBias(sublayerWeights[part], to: stream)
      }
    }
    return stream
  }

  /// What an absent sublayer makes of `stream`.
  private func addBias(_ bias: Matrix?, to stream: Matrix) throws -> Matrix {
    guard let bias else { return stream }
    let output = try backend.copy(stream)
    backend.addBias(bias, to: output)
    return output
  }

  /// Turns the gradient of the layer's output into that of its input, in place, and adds to the gradients that there is
  /// room for: of the weights that `gradients` has matrices for, of the adapters, and of the gates' factors by sublayer.
  public func backward(
    _ gradient: Matrix, activations: Activations, layout: SequenceLayout, weights: GroupMatrices, gates: LayerGates?,
    adapters: AppliedAdapters? = nil, gradients: GroupMatrices?, gateGradients: inout [Int: [Double]]
  ) throws {
    for (index, sublayer) in sublayers.enumerated().reversed() {
      let gate = try gates?[index].map { try backend.makeMatrix(1, $0.count, values: $0) }
      let sublayerWeights = weights.sublayer(index, adapters: adapters)
      let (stream, kind) = activations.sublayers[index]
      switch (sublayer, kind) {
      case (.attention(let attention), .attention(let kept)):
        try attention.backward(
          gradient, stream: stream, activations: kept, layout: layout, weights: sublayerWeights, gate: gate,
          gradients: gradients?.sublayer(index), gateGradient: &gateGradients[index])
      case (.mlp(let mlp), .mlp(let kept)):
        try mlp.backward(
          gradient, stream: stream, activations: kept, weights: sublayerWeights, mask: gate,
          gradients: gradients?.sublayer(index), maskGradient: &gateGradients[index])
      case (.absent(let part), .absent):
        if let bias = gradients?.sublayer(index)[part] { backend.addColumnSums(of: gradient, to: bias) }
      default: preconditionFailure("activations of another layer")
      }
    }
  }
}

/// Rotary tables by specification, made once per pass: layers of a model share one.
public final class RotaryTables {
  private let positions: Int
  private var tables: [(rotary: RotarySpecification, headWidth: Int, table: RotaryTable)] = []

  /// Tables for sequences of at most `positions` tokens.
  public init(positions: Int) { self.positions = positions }

  /// The table of heads of `headWidth`.
  public func table(_ rotary: RotarySpecification, headWidth: Int) -> RotaryTable {
    if let known = tables.first(where: { $0.rotary == rotary && $0.headWidth == headWidth }) { return known.table }
    let table = RotaryTable(rotary, headWidth: headWidth, positions: max(1, positions))
    tables.append((rotary, headWidth, table))
    return table
  }
}

/// A blueprint that this build has no arithmetic for.
public struct TransformerError: Error, CustomStringConvertible, Sendable, Equatable {
  public let message: String
  public init(_ message: String) { self.message = message }
  public var description: String { message }

  static func unsupported(_ what: String) -> TransformerError {
    TransformerError("the model has \(what), which this version of Espalier does not compute")
  }
}
