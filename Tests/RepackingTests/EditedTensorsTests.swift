internal import Tensors
import Architectures
import Artifacts
import Blueprints
import Checkpoints
import Communication
import Compute
import ModelTestSupport
import Repacking
import TestSupport
import Testing
import Transformers

/// Gates folded in and low-rank updates merged.
@Suite struct EditedTensorsTests {
  /// What rounding every changed weight to the stored type may do to the logits, relative to the largest.
  private static func tolerance(_ model: Model) -> Float {
    model.folder.tensors.values.contains { $0.elementType == .bfloat16 } ? 3e-2 : 1e-5
  }

  private static func expectEqual(
    _ own: [[Float]], _ expected: [[Float]], tolerance: Float, _ comment: Comment? = nil
  ) {
    #expect(own.count == expected.count)
    for (a, b) in zip(own, expected) {
      #expect(largestDifference(a, b) < tolerance * max(1, b.map(abs).max() ?? 0), comment)
    }
  }

  /// Gates as tuning leaves them: 0 for what the plan removes, any factor for what it keeps.
  private static func gates(_ plan: PruningPlan, for model: Model, seed: UInt64) -> GateValues {
    var generator = SeededGenerator(seed: seed)
    func pool(_ units: Int, _ kept: [Int]) -> GateValues.Pool {
      let factors = (0..<units).map { kept.contains($0) ? Float.random(in: 0.3...1.7, using: &generator) : 0 }
      return .init(logits: factors, factors: factors)
    }
    return GateValues(
      layers: zip(model.blueprint.prunableLayers, plan.layers).map { layer, kept in
        .init(attention: pool(layer.attentionUnits, kept.attention), mlp: pool(layer.mlpUnits, kept.mlp))
      }, metadata: .init(modelHash: "test", planHash: "", dataHash: ""))
  }

  @Test(arguments: MaskedLogitsTests.models) func repackedEqualsGated(name: String) throws {
    let model = try MaskedLogitsTests.model(name)
    let sequences = randomSequences(lengths: [21, 6], vocabularySize: model.blueprint.vocabularySize, seed: 40)
    let backend = TestedBackend.cpu.make()
    for seed in 0..<4 as Range<UInt64> {
      let plan =
        seed < 2
        ? try PruningPlan.random(for: model.blueprint, seed: seed)
        : try PruningPlan.randomWithAbsentSublayers(for: model.blueprint, seed: seed)
      let gates = Self.gates(plan, for: model, seed: seed + 50)
      try gates.checked(against: model.blueprint.prunableLayers, plan: plan, planHash: "")
      let factors = model.blueprint.factors(gates)
      let repacked = try Repacked(model, plan, edits: TensorEdits(factors: factors))
      let own = try repacked.opened().logits(of: sequences, backend: backend)
      let gated = try model.logits(of: sequences, backend: backend, gates: factors)
      Self.expectEqual(own, gated, tolerance: Self.tolerance(model), "seed \(seed)")
    }
  }

  /// bfloat16 weights are multiplied in float32 and rounded once, to nearest.
  @Test func foldedWeightsAreRoundedOnce() throws {
    let model = try MaskedLogitsTests.model("tiny-llama-bf16")
    let factors = TensorEdits.randomFactors(for: model, seed: 3)
    let folded = try Repacked(model, nil, edits: TensorEdits(factors: factors)).opened()
    let specification = try #require(
      model.specifications.map(\.specification).first {
        $0.role == TensorRole(.layer(1), sublayer: 1, .downWeight)
      })
    let (before, after) = (try model.tensor(specification), try folded.tensor(specification))
    let own = try #require(factors[1][1])
    let products = try before.floats().enumerated().map { $1 * own[$0 % own.count] }
    #expect(after.elementType == .bfloat16)
    #expect(try Self.bytes(after) == ElementType.bfloat16.encode(products.span))
    #expect(Self.bytes(after) != Self.bytes(before))
  }

  /// A model kept whole with a merged update computes what the one does whose weights were added to by hand.
  @Test(arguments: MaskedLogitsTests.models) func mergedEqualsAdded(name: String) throws {
    let model = try MaskedLogitsTests.model(name)
    let updates = TensorEdits.randomUpdates(for: model, seed: 5)
    let merged = try Repacked(model, nil, edits: TensorEdits(lowRank: updates)).opened()
    #expect(merged.blueprint == model.blueprint)
    let source = try MemoryLayerSource(model)
    var changed = 0
    for (name, specification) in model.specifications {
      let (before, after) = (try model.tensor(specification), try merged.tensor(specification))
      guard let update = updates[specification.role] else {
        #expect(Self.bytes(after) == Self.bytes(before), "\(name)")
        continue
      }
      let sums = zip(try before.floats(), update.product(width: specification.shape[1])).map { $0 + $1 }
      source.values[specification.role] = sums
      let rounding: Float = before.elementType == .bfloat16 ? 1 / 256 : 1e-6
      #expect(largestDifference(try after.floats(), sums) <= rounding * (sums.map(abs).max() ?? 0), "\(name)")
      changed += 1
    }
    #expect(changed == 7 * model.blueprint.layers.count)
    let sequences = randomSequences(lengths: [17], vocabularySize: model.blueprint.vocabularySize, seed: 41)
    let backend = TestedBackend.cpu.make()
    Self.expectEqual(
      try merged.logits(of: sequences, backend: backend),
      try model.logits(of: sequences, backend: backend, source: source), tolerance: Self.tolerance(model))
  }

  /// Plan, gates and updates at once: (W + scale · B · A) · factors, cut. Rows and columns of matrices larger than a piece
  /// change in the same way.
  @Test(arguments: ["tiny-llama", "biased"]) func allAtOnce(name: String) throws {
    let model = try MaskedLogitsTests.model(name)
    let plan = try PruningPlan.random(for: model.blueprint, seed: 7)
    let gates = model.blueprint.factors(Self.gates(plan, for: model, seed: 8))
    let updates = TensorEdits.randomUpdates(for: model, seed: 9)
    let source = try MemoryLayerSource(model)
    for (_, specification) in model.specifications {
      guard let update = updates[specification.role], let values = source.values[specification.role] else { continue }
      source.values[specification.role] = zip(values, update.product(width: specification.shape[1])).map { $0 + $1 }
    }
    let repacked = try Repacked(model, plan, edits: TensorEdits(factors: gates, lowRank: updates))
    let sequences = randomSequences(lengths: [17], vocabularySize: model.blueprint.vocabularySize, seed: 42)
    let backend = TestedBackend.cpu.make()
    Self.expectEqual(
      try repacked.opened().logits(of: sequences, backend: backend),
      try model.logits(of: sequences, backend: backend, gates: gates, source: source), tolerance: 1e-5)
  }

  /// Factors of 1, and whatever removed units have, change no byte.
  @Test func factorsOfOneCopyBytes() throws {
    let model = try MaskedLogitsTests.model("tiny-llama-bf16")
    let plan = try PruningPlan.random(for: model.blueprint, seed: 11)
    var factors = model.blueprint.mask(plan)
    for layer in factors.indices {
      for sublayer in factors[layer].keys {
        factors[layer][sublayer] = factors[layer][sublayer]?.map { $0 == 0 ? .nan : 1 }
      }
    }
    let plain = try Repacked(model, plan)
    let edited = try Repacked(model, plan, edits: TensorEdits(factors: factors))
    #expect(edited.names == plain.names)
    for name in plain.names { #expect(try edited.bytes(name) == plain.bytes(name), "\(name)") }
  }

  /// What config.json says of a model's making: a whole model keeps what it had.
  @Test func provenanceOfARecoveredModel() throws {
    let model = try RandomCheckpoint.shared
    let pruned = try Repacked(model, try PruningPlan.random(for: model.blueprint, seed: 12))
    let middle = try Model(path: pruned.path)
    let updates = TensorEdits.randomUpdates(for: middle, seed: 13)
    let recovered = try withExtendedLifetime(pruned) {
      try Repacked(middle, nil, edits: TensorEdits(lowRank: updates))
    }
    let (before, after) = (
      try ModelConfiguration(path: pruned.path + "/config.json"),
      try ModelConfiguration(path: recovered.path + "/config.json")
    )
    #expect(before["pruned_by"]?["plan"] == "feed")
    #expect(before["recovered_by"] == nil)
    #expect(after["recovered_by"] == ["espalier": "1.2.3"])
    var others = after.object
    others["recovered_by"] = nil
    #expect(others == before.object)
    #expect(recovered.names == pruned.names)
  }

  @Test(arguments: [
    (ElementType.float16, Float(1e6)), (.float16, -1e6), (.bfloat16, 3.4e38), (.float32, .infinity), (.float32, .nan),
  ])
  func aNumberThatDoesNotFitIsNamed(elementType: ElementType, factor: Float) throws {
    let checkpoint = try RandomCheckpoint(elementType: elementType)
    let model = try Model(path: checkpoint.path)
    // The first two units are removed, so the third is the first kept column.
    let plan = try PruningPlan.keeping(
      [
        .init(attention: [1], mlp: Array(2..<24)), .init(attention: [0, 1], mlp: [3]),
      ], of: model.blueprint)
    var edits = TensorEdits(factors: model.blueprint.mask(plan))
    edits.factors?[0][1]?[5] = factor
    edits.lowRank[TensorRole(.layer(0), sublayer: 1, .downWeight)] = LowRankUpdate(
      rank: 1, a: (0..<24).map { $0 == 5 ? 4 : 0 }, b: Array(repeating: 1, count: 32), scale: 1)
    let parent = try TemporaryFolder()
    let error = #expect(throws: PeerFailure.self) {
      try Repacked.write(
        model, plan, edits: edits, to: parent.file("out"), layout: nil, maximumShardBytes: 1 << 30,
        communicator: SoloCommunicator())
    }
    let line = try #require(error?.line)
    #expect(
      line.hasPrefix(
        "\(checkpoint.path)/model.safetensors: tensor \"model.layers.0.mlp.down_proj.weight\": element [0, 5] becomes ")
    )
    #expect(
      line.hasSuffix(
        ", which \(elementType.safetensorsName) cannot hold; train with a lower learning rate, or convert the model to "
          + "BF16 or F32"))
    #expect(parent.names.isEmpty)
  }

  /// The limit is where rounding goes to infinity.
  @Test(arguments: [ElementType.float16, .bfloat16, .float32]) func theLimitIsWhereRoundingOverflows(type: ElementType)
    throws
  {
    let limit = type.overflowMagnitude
    let values = [limit.nextDown, limit]
    let tensor = try StoredTensor(name: "limit", elementType: type, shape: [2], values: values)
    #expect(try tensor.floats().map(\.isFinite) == [true, false])
  }

  @Test func editsOfAnotherModelAreRefused() throws {
    let model = try RandomCheckpoint.shared
    let factors = model.blueprint.unitFactors { _ in 1 }
    var fewer = factors
    fewer[1][0] = [1]
    let down = TensorRole(.layer(0), sublayer: 1, .downWeight)
    let norm = TensorRole(.layer(0), sublayer: 1, .normWeight)
    let update = LowRankUpdate(rank: 2, a: Array(repeating: 0, count: 48), b: Array(repeating: 0, count: 64), scale: 1)
    var short = update
    short.a.removeLast()
    let cases: [(TensorEdits, String)] = [
      (TensorEdits(factors: [factors[0]]), "factors are of 1 layers but the model has 2"),
      (TensorEdits(factors: fewer), "layer 1, sublayer 0: 1 factors but the model has 2 units"),
      (
        TensorEdits(lowRank: [down: short]),
        "tensor \"model.layers.0.mlp.down_proj.weight\" of shape [32, 24]: a low-rank update of rank 2 with 47 and 64 "
          + "numbers does not fit"
      ),
      (
        TensorEdits(lowRank: [norm: update]),
        "\(norm): a low-rank update needs a matrix of the model that is not tied to another"
      ),
    ]
    for (edits, message) in cases {
      let parent = try TemporaryFolder()
      let error = #expect(throws: PeerFailure.self) {
        try Repacked.write(
          model, nil, edits: edits, to: parent.file("out"), layout: nil, maximumShardBytes: 1 << 30,
          communicator: SoloCommunicator())
      }
      #expect(error?.line == message + "; tune or recover this model again")
      #expect(parent.names.isEmpty)
    }
  }

  private static func bytes(_ tensor: StoredTensor) -> [UInt8] {
    unsafe tensor.bytes.withUnsafeBytes { unsafe [UInt8]($0) }
  }
}
