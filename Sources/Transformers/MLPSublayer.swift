internal import Blueprints
internal import Compute

/// A gated MLP sublayer over one backend: x + down(silu(gate) · up) of the normed stream (Hugging Face's `LlamaMLP` with
/// its `LlamaRMSNorm` and residual).
struct MLPSublayer {
  let backend: any ComputeBackend
  let norm: NormSpecification
  let specification: MLPSpecification

  /// What the backward pass needs of the forward one; all `[token, neuron]` but the first two.
  struct Activations {
    let normed: Matrix
    let inverseRMS: Matrix
    let gate: Matrix
    let up: Matrix
    /// silu(gate) · up.
    let activated: Matrix
    /// The same times the neurons' gates; the same matrix as `activated` without gates.
    let gated: Matrix
  }

  /// Adds the branch to `stream` `[token, hidden]` and returns what the backward pass needs.
  ///
  /// `mask` `[1, neurons]` multiplies each neuron's activation.
  func forward(
    _ stream: Matrix, weights: SublayerMatrices, mask: Matrix?
  ) throws -> (output: Matrix, activations: Activations) {
    let (normed, inverseRMS) = try weights.applyNorm(norm, to: stream, backend: backend)
    let gate = try weights.project(normed, .gateWeight, bias: .gateBias, backend: backend)
    let up = try weights.project(normed, .upWeight, bias: .upBias, backend: backend)
    let activated = try backend.makeMatrix(like: gate, isZeroed: false)
    backend.swiGLU(gate: gate, up: up, into: activated)
    var gated = activated
    if let mask {
      gated = try backend.copy(activated)
      backend.scaleUnits(gated, by: mask, width: 1)
    }
    let output = try backend.copy(stream)
    try weights.project(gated, .downWeight, bias: .downBias, into: output, adding: true, backend: backend)
    return (
      output,
      Activations(normed: normed, inverseRMS: inverseRMS, gate: gate, up: up, activated: activated, gated: gated)
    )
  }

  /// Turns the gradient of the output into that of the input, in place: the residual's part is already there. Adds to
  /// the gradient of the neurons' factors, `[neuron]`, when it is wanted.
  func backward(
    _ gradient: Matrix, stream: Matrix, activations: Activations, weights: SublayerMatrices, mask: Matrix?,
    gradients: SublayerMatrices?, maskGradient: inout [Double]?
  ) throws {
    let dGated = try backend.makeMatrix(like: activations.gated, isZeroed: false)
    try weights.projectBackward(
      gradient, x: activations.gated, .downWeight, bias: .downBias, into: dGated, adding: false, gradients: gradients,
      backend: backend)
    maskGradient?.withUnitProducts(of: activations.activated, with: dGated, width: 1, backend: backend)
    if let mask { backend.scaleUnits(dGated, by: mask, width: 1) }

    let dGate = try backend.makeMatrix(like: activations.gate, isZeroed: false)
    let dUp = try backend.makeMatrix(like: activations.up, isZeroed: false)
    backend.swiGLUBackward(dGated, gate: activations.gate, up: activations.up, dGate: dGate, dUp: dUp)

    let dNormed = try backend.makeMatrix(like: activations.normed, isZeroed: false)
    try weights.projectBackward(
      dGate, x: activations.normed, .gateWeight, bias: .gateBias, into: dNormed, adding: false, gradients: gradients,
      backend: backend)
    try weights.projectBackward(
      dUp, x: activations.normed, .upWeight, bias: .upBias, into: dNormed, adding: true, gradients: gradients,
      backend: backend)
    backend.rmsNormBackward(
      dNormed, x: stream, weight: weights.require(.normWeight), inverseRMS: activations.inverseRMS,
      addingTo: gradient, weightGradient: gradients?[.normWeight])
  }
}
