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
    /// silu(gate) · up, times the neurons' gates.
    let gated: Matrix
  }

  /// Adds the branch to `stream` `[token, hidden]` and returns what the backward pass needs.
  ///
  /// `mask` `[1, neurons]` multiplies each neuron's activation.
  func forward(
    _ stream: Matrix, weights: SublayerMatrices, mask: Matrix?
  ) throws -> (output: Matrix, activations: Activations) {
    let normed = try backend.makeMatrix(like: stream)
    let inverseRMS = try backend.makeMatrix(stream.rows, 1)
    backend.rmsNorm(
      stream, weight: weights.require(.normWeight), epsilon: norm.epsilon, into: normed, inverseRMS: inverseRMS)
    let gate = try backend.project(normed, weight: weights.require(.gateWeight), bias: weights[.gateBias])
    let up = try backend.project(normed, weight: weights.require(.upWeight), bias: weights[.upBias])
    let gated = try backend.makeMatrix(like: gate)
    backend.swiGLU(gate: gate, up: up, into: gated)
    if let mask { backend.scaleUnits(gated, by: mask, width: 1) }
    let output = try backend.copy(stream)
    backend.multiply(gated, .none, weights.require(.downWeight), .transposed, into: output, adding: true)
    if let bias = weights[.downBias] { backend.addBias(bias, to: output) }
    return (output, Activations(normed: normed, inverseRMS: inverseRMS, gate: gate, up: up, gated: gated))
  }

  /// Turns the gradient of the output into that of the input, in place: the residual's part is already there.
  func backward(
    _ gradient: Matrix, stream: Matrix, activations: Activations, weights: SublayerMatrices, mask: Matrix?,
    gradients: SublayerMatrices
  ) throws {
    let dGated = try backend.makeMatrix(like: activations.gated)
    backend.projectBackward(
      gradient, x: activations.gated, weight: weights.require(.downWeight), into: dGated, adding: false,
      weightGradient: gradients[.downWeight], biasGradient: gradients[.downBias])
    if let mask { backend.scaleUnits(dGated, by: mask, width: 1) }

    let dGate = try backend.makeMatrix(like: activations.gate)
    let dUp = try backend.makeMatrix(like: activations.up)
    backend.swiGLUBackward(dGated, gate: activations.gate, up: activations.up, dGate: dGate, dUp: dUp)

    let dNormed = try backend.makeMatrix(like: activations.normed)
    backend.projectBackward(
      dGate, x: activations.normed, weight: weights.require(.gateWeight), into: dNormed, adding: false,
      weightGradient: gradients[.gateWeight], biasGradient: gradients[.gateBias])
    backend.projectBackward(
      dUp, x: activations.normed, weight: weights.require(.upWeight), into: dNormed, adding: true,
      weightGradient: gradients[.upWeight], biasGradient: gradients[.upBias])
    backend.rmsNormBackward(
      dNormed, x: stream, weight: weights.require(.normWeight), inverseRMS: activations.inverseRMS,
      addingTo: gradient, weightGradient: gradients[.normWeight])
  }
}
