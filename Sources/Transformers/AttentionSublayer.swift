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

  var geometry: AttentionGeometry {
    let (isCausal, slidingWindow): (Bool, Int?) =
      switch specification.mask {
      case .full: (false, nil)
      case .causal: (true, nil)
      case .slidingWindow(let tokens): (true, tokens)
      }
    return AttentionGeometry(
      queryHeads: specification.queryHeads, keyValueHeads: specification.keyValueHeads,
      headWidth: specification.headWidth, scale: specification.scale, isCausal: isCausal, slidingWindow: slidingWindow)
  }

  /// Adds the branch to `stream` `[token, hidden]` and returns what the backward pass needs.
  ///
  /// `gate` `[1, keyValueHeads]` multiplies each unit's heads.
  func forward(
    _ stream: Matrix, layout: SequenceLayout, weights: SublayerMatrices, gate: Matrix?
  ) throws -> (output: Matrix, activations: Activations) {
    let (normed, inverseRMS) = try weights.applyNorm(norm, to: stream, backend: backend)
    let query = try weights.project(normed, .queryWeight, bias: .queryBias, backend: backend)
    let key = try weights.project(normed, .keyWeight, bias: .keyBias, backend: backend)
    let value = try weights.project(normed, .valueWeight, bias: .valueBias, backend: backend)
    if let rotary {
      backend.rotate(query, layout: layout, table: rotary, inverse: false)
      backend.rotate(key, layout: layout, table: rotary, inverse: false)
    }
    let context = try backend.makeMatrix(like: query, isZeroed: false)
    let logSumExp = try backend.makeMatrix(stream.rows, specification.queryHeads, isZeroed: false)
    try backend.attention(
      query: query, key: key, value: value, layout: layout, geometry: geometry, into: context, logSumExp: logSumExp)
    var gated = context
    if let gate {
      gated = try backend.copy(context)
      backend.scaleUnits(gated, by: gate, width: specification.groupSize * specification.headWidth)
    }
    let output = try backend.copy(stream)
    try weights.project(gated, .outputWeight, bias: .outputBias, into: output, adding: true, backend: backend)
    return (
      output,
      Activations(
        normed: normed, inverseRMS: inverseRMS, query: query, key: key, value: value, context: context,
        logSumExp: logSumExp, gated: gated)
    )
  }

  /// Turns the gradient of the output into that of the input, in place: the residual's part is already there. Adds to
  /// the gradient of the units' factors, `[keyValueHeads]`, when it is wanted.
  func backward(
    _ gradient: Matrix, stream: Matrix, activations: Activations, layout: SequenceLayout, weights: SublayerMatrices,
    gate: Matrix?, gradients: SublayerMatrices?, gateGradient: inout [Double]?
  ) throws {
    let dContext = try backend.makeMatrix(like: activations.context, isZeroed: false)
    try weights.projectBackward(
      gradient, x: activations.gated, .outputWeight, bias: .outputBias, into: dContext, adding: false,
      gradients: gradients, backend: backend)
    let unitWidth = specification.groupSize * specification.headWidth
    gateGradient?.withUnitProducts(of: activations.context, with: dContext, width: unitWidth, backend: backend)
    if let gate { backend.scaleUnits(dContext, by: gate, width: unitWidth) }

    let dQuery = try backend.makeMatrix(like: activations.query, isZeroed: false)
    let dKey = try backend.makeMatrix(like: activations.key, isZeroed: false)
    let dValue = try backend.makeMatrix(like: activations.value, isZeroed: false)
    try backend.attentionBackward(
      dContext, query: activations.query, key: activations.key, value: activations.value,
      output: activations.context, logSumExp: activations.logSumExp, layout: layout, geometry: geometry,
      dQuery: dQuery, dKey: dKey, dValue: dValue)
    if let rotary {
      backend.rotate(dQuery, layout: layout, table: rotary, inverse: true)
      backend.rotate(dKey, layout: layout, table: rotary, inverse: true)
    }

    let dNormed = try backend.makeMatrix(like: activations.normed, isZeroed: false)
    for (index, (d, weight, bias)) in [
      (dQuery, TensorPart.queryWeight, TensorPart.queryBias), (dKey, .keyWeight, .keyBias),
      (dValue, .valueWeight, .valueBias),
    ].enumerated() {
      try weights.projectBackward(
        d, x: activations.normed, weight, bias: bias, into: dNormed, adding: index > 0, gradients: gradients,
        backend: backend)
    }
    backend.rmsNormBackward(
      dNormed, x: stream, weight: weights.require(.normWeight), inverseRMS: activations.inverseRMS,
      addingTo: gradient, weightGradient: gradients?[.normWeight])
  }
}
