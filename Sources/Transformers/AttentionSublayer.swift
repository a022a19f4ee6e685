internal import Blueprints
internal import Compute

/// An attention sublayer over one backend: x + output(attention(rotary(query, key), value)) of the normed stream
/// (Hugging Face's `LlamaAttention` with its `LlamaRMSNorm` and residual).
struct AttentionSublayer {
  let backend: any ComputeBackend
  let norm: NormSpecification
  let specification: AttentionSpecification
  let rotary: RotaryTable?

  /// What the backward pass needs of the forward one.
  struct Activations {
    let normed: Matrix
    let inverseRMS: Matrix
    /// After rotation, `[token, queryHeads · width]`.
    let query: Matrix
    let key: Matrix
    let value: Matrix
    /// The heads' output, `[token, queryHeads · width]`.
    let context: Matrix
    let logSumExp: Matrix
    /// The heads' output times their gates; the same matrix as `context` without gates.
    let gated: Matrix
  }

  private var geometry: AttentionGeometry {
    AttentionGeometry(
      queryHeads: specification.queryHeads, keyValueHeads: specification.keyValueHeads,
      headWidth: specification.headWidth, scale: specification.scale, isCausal: specification.mask == .causal)
  }

  /// Adds the branch to `stream` `[token, hidden]` and returns what the backward pass needs.
  ///
  /// `gate` `[1, keyValueHeads]` multiplies each unit's heads.
  func forward(
    _ stream: Matrix, layout: SequenceLayout, weights: SublayerMatrices, gate: Matrix?
  ) throws -> (output: Matrix, activations: Activations) {
    let normed = try backend.makeMatrix(like: stream)
    let inverseRMS = try backend.makeMatrix(stream.rows, 1)
    backend.rmsNorm(
      stream, weight: weights.require(.normWeight), epsilon: norm.epsilon, into: normed, inverseRMS: inverseRMS)
    let query = try backend.project(normed, weight: weights.require(.queryWeight), bias: weights[.queryBias])
    let key = try backend.project(normed, weight: weights.require(.keyWeight), bias: weights[.keyBias])
    let value = try backend.project(normed, weight: weights.require(.valueWeight), bias: weights[.valueBias])
    if let rotary {
      backend.rotate(query, layout: layout, table: rotary, inverse: false)
      backend.rotate(key, layout: layout, table: rotary, inverse: false)
    }
    let context = try backend.makeMatrix(like: query)
    let logSumExp = try backend.makeMatrix(stream.rows, specification.queryHeads)
    try backend.attention(
      query: query, key: key, value: value, layout: layout, geometry: geometry, into: context, logSumExp: logSumExp)
    var gated = context
    if let gate {
      gated = try backend.copy(context)
      backend.scaleUnits(gated, by: gate, width: specification.groupSize * specification.headWidth)
    }
    let output = try backend.copy(stream)
    backend.multiply(gated, .none, weights.require(.outputWeight), .transposed, into: output, adding: true)
    if let bias = weights[.outputBias] { backend.addBias(bias, to: output) }
    return (
      output,
      Activations(
        normed: normed, inverseRMS: inverseRMS, query: query, key: key, value: value, context: context,
        logSumExp: logSumExp, gated: gated)
    )
  }

  /// Turns the gradient of the output into that of the input, in place: the residual's part is already there.
  func backward(
    _ gradient: Matrix, stream: Matrix, activations: Activations, layout: SequenceLayout, weights: SublayerMatrices,
    gate: Matrix?, gradients: SublayerMatrices
  ) throws {
    let dContext = try backend.makeMatrix(like: activations.context)
    backend.projectBackward(
      gradient, x: activations.gated, weight: weights.require(.outputWeight), into: dContext, adding: false,
      weightGradient: gradients[.outputWeight], biasGradient: gradients[.outputBias])
    if let gate { backend.scaleUnits(dContext, by: gate, width: specification.groupSize * specification.headWidth) }

    let dQuery = try backend.makeMatrix(like: activations.query)
    let dKey = try backend.makeMatrix(like: activations.key)
    let dValue = try backend.makeMatrix(like: activations.value)
    try backend.attentionBackward(
      dContext, query: activations.query, key: activations.key, value: activations.value,
      output: activations.context, logSumExp: activations.logSumExp, layout: layout, geometry: geometry,
      dQuery: dQuery, dKey: dKey, dValue: dValue)
    if let rotary {
      backend.rotate(dQuery, layout: layout, table: rotary, inverse: true)
      backend.rotate(dKey, layout: layout, table: rotary, inverse: true)
    }

    let dNormed = try backend.makeMatrix(like: activations.normed)
    for (index, (d, weight, bias)) in [
      (dQuery, TensorPart.queryWeight, TensorPart.queryBias), (dKey, .keyWeight, .keyBias),
      (dValue, .valueWeight, .valueBias),
    ].enumerated() {
      backend.projectBackward(
        d, x: activations.normed, weight: weights.require(weight), into: dNormed, adding: index > 0,
        weightGradient: gradients[weight], biasGradient: gradients[bias])
    }
    backend.rmsNormBackward(
      dNormed, x: stream, weight: weights.require(.normWeight), inverseRMS: activations.inverseRMS,
      addingTo: gradient, weightGradient: gradients[.normWeight])
  }
}
