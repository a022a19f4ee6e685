internal import Blueprints
internal import Compute

/// What a training pass minimizes, as a mean over the targets of all ranks.
public enum TrainingLoss: Sendable, Equatable {
  /// Cross-entropy of the next token.
  case crossEntropy
  /// KL to a teacher's distribution of the next token.
  case divergence(temperature: Float)
}

/// Where a distillation's teacher comes from.
public enum Teacher {
  /// The student's own weights, without gates and adapters: its stream runs beside the student's.
  case ungated
  /// Another model; its weights are asked for before the student's.
  case model(WidenedWeights)
}

/// A forward and a backward sweep that train what stands beside frozen weights: gates and low-rank adapters.
///
/// Only gradients of activations, factors and adapters are computed: a token costs 4 FLOP per parameter and 2 more for a
/// teacher, and 2 more where a layer's inside is computed again for want of memory.
public struct TrainingPass {
  private let weights: WidenedWeights
  private var blueprint: Blueprint { weights.blueprint }
  private var backend: any ComputeBackend { weights.backend }

  public init(_ weights: WidenedWeights) { self.weights = weights }

  /// What is trained, and how it stands.
  public struct Student {
    /// Factors of the units; nil for none.
    public var gates: ModelGates?
    /// Whether the gradients of the factors are wanted.
    public var wantsGateGradients: Bool
    public var adapters: ModelAdapters
    /// Dropout of a batch, by its number.
    public var dropout: (Int) -> AdapterDropout?

    public init(
      gates: ModelGates? = nil, wantsGateGradients: Bool = false, adapters: ModelAdapters = [:],
      dropout: @escaping (Int) -> AdapterDropout? = { _ in nil }
    ) {
      self.gates = gates
      self.wantsGateGradients = wantsGateGradients
      self.adapters = adapters
      self.dropout = dropout
    }
  }

  /// This rank's share of the mean, and of the factors' gradients by layer and sublayer. The adapters' are added to their
  /// own matrices.
  public struct Result {
    public var value: Double
    public var gateGradients: [[Int: [Double]]]
  }

  /// Runs both sweeps over this rank's batches; none is fine.
  ///
  /// - Parameters:
  ///   - hiddenWeight: of the hidden states' distance to the teacher's after every layer, beside the divergence; see
  ///     ``HiddenDistance``.
  ///   - targets: of all ranks together.
  ///   - keepsActivations: whether every layer's inside stays in memory, or is computed again.
  ///   - context: what is told when the student's numbers overflow.
  /// - Throws: ``Overflow`` before the backward sweep where hidden states or logits are no finite numbers.
  public func run(
    _ batches: [TokenBatch], objective: TrainingLoss, teacher: Teacher = .ungated, hiddenWeight: Float = 0,
    targets: Int, student: Student, keepsActivations: Bool, context: Overflow.Context = .model
  ) throws -> Result {
    var search = OverflowSearch(backend, context)
    var taught: [Matrix] = []
    var teacherHead: HeadPass?
    var distance = HiddenDistance(
      backend: backend, weight: hiddenWeight / Float(blueprint.layers.count), targets: targets)
    if case .divergence = objective, case .model(let model) = teacher {
      (taught, teacherHead) = try states(of: model, batches) {
        distance.keep($0, layer: $1, of: blueprint.layers.count)
      }
    }
    try weights.begin(blueprint.groups + blueprint.layers.indices.reversed().map { .layer($0) })
    let rotary = RotaryTables(positions: batches.map(\.layout.longest).max() ?? 0)
    let adapters = batches.indices.map { AppliedAdapters(student.adapters, dropout: student.dropout($0)) }

    var streams = try embed(batches)
    if case .divergence = objective, case .ungated = teacher { taught = streams }
    let runsTeacherBeside = teacherHead == nil && !taught.isEmpty
    var inputs: [[Matrix]] = []
    var kept: [[LayerPass.Activations]] = []
    for (index, layer) in blueprint.layers.enumerated() {
      guard let matrices = try weights.matrices(.layer(index), isNeeded: !batches.isEmpty) else { continue }
      let pass = try LayerPass(layer, backend: backend, rotaryTables: rotary)
      inputs.append(streams)
      if keepsActivations { kept.append([]) }
      for (number, batch) in batches.enumerated() {
        let result = try pass.forward(
          streams[number], layout: batch.layout, weights: matrices, gates: student.gates?[index],
          adapters: adapters[number])
        streams[number] = result.output
        search.look(at: result.output, of: .layer(index))
        if keepsActivations { kept[index].append(result.activations) }
        if runsTeacherBeside {
          taught[number] = try pass.forward(taught[number], layout: batch.layout, weights: matrices, gates: nil).output
        }
      }
      if runsTeacherBeside { distance.keep(taught, layer: index, of: blueprint.layers.count) }
    }
    let last = streams

    var result = Result(value: 0, gateGradients: blueprint.layers.map { emptyGateGradients($0, student: student) })
    if let head = try weights.headPass(isNeeded: !batches.isEmpty) {
      for (number, batch) in batches.enumerated() {
        let scale = 1 / Float(max(1, targets))
        let (value, gradient) =
          switch objective {
          case .crossEntropy: try head.loss(streams[number], batch: batch, scale: scale, gradients: nil)
          case .divergence(let temperature):
            try head.divergence(
              streams[number], teacher: taught[number], teacherHead: teacherHead ?? head, batch: batch,
              temperature: temperature, scale: scale)
          }
        result.value += value
        streams[number] = gradient
      }
      search.look(at: head)
    }
    try weights.sweepDone(search.first)
    taught = []

    for index in blueprint.layers.indices.reversed() {
      for (number, batch) in batches.enumerated() {
        let output = index + 1 < inputs.count ? inputs[index + 1][number] : last[number]
        result.value += try distance.add(output, layer: index, number: number, batch: batch, to: streams[number])
      }
      guard let matrices = try weights.matrices(.layer(index), isNeeded: !batches.isEmpty) else { continue }
      let pass = try LayerPass(blueprint.layers[index], backend: backend, rotaryTables: rotary)
      for (number, batch) in batches.enumerated() {
        let activations =
          try keepsActivations
          ? kept[index][number]
          : pass.forward(
            inputs[index][number], layout: batch.layout, weights: matrices, gates: student.gates?[index],
            adapters: adapters[number]
          ).activations
        try pass.backward(
          streams[number], activations: activations, layout: batch.layout, weights: matrices,
          gates: student.gates?[index], adapters: adapters[number], gradients: nil,
          gateGradients: &result.gateGradients[index])
      }
      if index + 1 < inputs.count { inputs.removeLast() }
      if keepsActivations { kept.removeLast() }
    }
    return result
  }

  private func emptyGateGradients(_ layer: LayerSpecification, student: Student) -> [Int: [Double]] {
    guard student.wantsGateGradients else { return [:] }
    return Dictionary(
      uniqueKeysWithValues: layer.prunableUnits(hiddenSize: blueprint.hiddenSize).map {
        ($0.sublayer, [Double](repeating: 0, count: $0.count))
      })
  }

  private func embed(_ batches: [TokenBatch]) throws -> [Matrix] {
    try ForwardPass.checkSupport(blueprint)
    let stored = try weights.stored(.embedding)
    let embedding = EmbeddingPass(backend: backend)
    return try batches.map { try embedding.forward($0, weights: stored) }
  }

  /// A model's last hidden states of the batches, and its head; nothing for a rank without batches.
  private func states(
    of model: WidenedWeights, _ batches: [TokenBatch], keep: (_ states: [Matrix], _ layer: Int) -> Void
  ) throws -> ([Matrix], HeadPass?) {
    try model.begin(model.blueprint.groups)
    var search = OverflowSearch(backend, .teacher)
    let rotary = RotaryTables(positions: batches.map(\.layout.longest).max() ?? 0)
    var streams = try TrainingPass(model).embed(batches)
    for (index, layer) in model.blueprint.layers.enumerated() {
      guard let matrices = try model.matrices(.layer(index), isNeeded: !batches.isEmpty) else { continue }
      let pass = try LayerPass(layer, backend: backend, rotaryTables: rotary)
      for (number, batch) in batches.enumerated() {
        streams[number] = try pass.forward(streams[number], layout: batch.layout, weights: matrices, gates: nil).output
        search.look(at: streams[number], of: .layer(index))
      }
      keep(streams, index)
    }
    try model.sweepDone(search.first)
    return (streams, try model.headPass(isNeeded: !batches.isEmpty))
  }
}
