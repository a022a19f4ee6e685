internal import Tensors
import Architectures
import Blueprints
import Compute
import LayerStreaming
import Safetensors
import TestSupport
import Transformers

/// A tiny model, its golden values and a backend.
struct GoldenRun {
  let model: Model
  let golden: SafetensorsFile
  let backend: any ComputeBackend
  let sequences: [[Int32]]

  init(_ name: String, _ tested: TestedBackend) throws {
    model = try Model(path: Fixtures.model(name))
    // The sharded model has tiny-llama's weights, and so its values.
    golden = try Fixtures.golden(name == "tiny-llama-sharded" ? "tiny-llama" : name)
    backend = tested.make()
    let ids = try golden.tensor("input_ids")
    let length = ids.shape.dimensions[1]
    let flat = try ids.integers().map { Int32($0) }
    sequences = stride(from: 0, to: flat.count, by: length).map { Array(flat[$0..<$0 + length]) }
  }

  /// One sequence each.
  var batches: [TokenBatch] { sequences.map { TokenBatch(nextTokenOf: [$0]) } }

  func floats(_ name: String) throws -> [Float] { try golden.tensor(name).floats() }

  /// Runs both sweeps and hands over every gradient.
  func gradientPass(
    objective: Objective, batches given: [TokenBatch]? = nil, spillAfter budget: Int? = nil, folder: String = "/tmp",
    visit: (TensorRole, [Float]) -> Void
  ) throws -> Double {
    let batches = given ?? self.batches
    let boundaries = try BoundaryStore(
      layers: model.blueprint.layers.count, batches: batches, hiddenSize: model.blueprint.hiddenSize,
      backend: backend, memoryBudget: budget, spillFolder: folder)
    let pass = GradientPass(blueprint: model.blueprint, backend: backend, source: MappedLayerSource(model))
    return try pass.run(
      batches, objective: objective,
      scope: GradientPass.Scope(
        sequences: sequences.count, targets: batches.reduce(0) { $0 + $1.targetCount }),
      wants: GradientPass.Wants(layerParts: Set(TensorPart.allCases), embeddingAndHead: true), boundaries: boundaries
    ) { gradients, _, _ in
      for role in gradients.roles { if let matrix = gradients[role] { visit(role, backend.floats(matrix)) } }
    }
  }
}
