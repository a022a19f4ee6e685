public import Blueprints
internal import Calibration
public import Compute
public import Transformers

/// All low-rank adapters of a model, and their numbers as one flat vector: the one that an optimizer moves.
public final class AdapterRegistry {
  /// In the order of layers and of a layer's tensors, a before b.
  private let matrices: [(role: TensorRole, value: Matrix, gradient: Matrix)]
  private let backend: any ComputeBackend
  public let adapters: ModelAdapters
  public let rank: Int
  /// α / r.
  public let scale: Float

  /// How many numbers all adapters have.
  public var count: Int { matrices.reduce(0) { $0 + $1.value.count } }

  /// Adapters as LoRA and PEFT start them: a uniform in ±1/√in (`kaiming_uniform_` with a = √5), b zero.
  ///
  /// - Parameter targets: the parts with an adapter; each must be a weight `[out, in]`.
  /// - Throws: ``ComputeError`` without memory.
  public init(
    _ blueprint: Blueprint, targets: Set<TensorPart>, rank: Int, alpha: Float, seed: UInt64,
    backend: any ComputeBackend
  ) throws {
    var adapters: ModelAdapters = [:]
    var matrices: [(role: TensorRole, value: Matrix, gradient: Matrix)] = []
    var generator = SplitMix64(seed: seed)
    for layer in blueprint.layers.indices {
      for tensor in blueprint.tensors(of: .layer(layer)) where targets.contains(tensor.role.part) {
        guard tensor.shape.count == 2, tensor.shape.allSatisfy({ $0 > 0 }) else { continue }
        let inputs = tensor.shape[1]
        let bound = 1 / Float(inputs).squareRoot()
        let a = (0..<rank * inputs).map { _ in
          (Float(generator.next() >> 40) / Float(1 << 23) - 1) * bound
        }
        let adapter = try LowRankAdapter(
          inputs: inputs, outputs: tensor.shape[0], rank: rank, scale: alpha / Float(rank), a: a, backend: backend)
        adapters[tensor.role] = adapter
        matrices += [(tensor.role, adapter.a, adapter.aGradient), (tensor.role, adapter.b, adapter.bGradient)]
      }
    }
    self.adapters = adapters
    self.matrices = matrices
    self.backend = backend
    self.rank = rank
    scale = alpha / Float(rank)
  }

  /// All numbers, in order.
  public var values: [Float] {
    get { matrices.flatMap { backend.floats($0.value) } }
    set {
      var start = 0
      for (_, matrix, _) in matrices {
        backend.write(newValue.span.extracting(start..<start + matrix.count), into: matrix)
        start += matrix.count
      }
    }
  }

  /// The gradients of all numbers, which are zero afterwards.
  func takeGradients() -> [Float] {
    let gradients = matrices.flatMap { backend.floats($0.gradient) }
    for (_, _, gradient) in matrices { backend.fill(gradient, with: 0) }
    return gradients
  }

  /// Names the number at a place of the flat vector, for errors.
  func name(_ index: Int) -> String {
    var rest = index
    for (number, (role, matrix, _)) in matrices.enumerated() {
      if rest < matrix.count { return "\(role), LoRA \(number % 2 == 0 ? "A" : "B") \(rest)" }
      rest -= matrix.count
    }
    return "number \(index)"
  }
}
