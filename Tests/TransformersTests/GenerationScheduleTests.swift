import Architectures
import Blueprints
import ModelTestSupport
import TestSupport
import Testing
import Transformers

/// What writing asks of its weights and of its caller, and when.
@Suite struct GenerationScheduleTests {
  private let model: Model
  private let prompts: [[Int32]] = [[5, 6, 7], [8, 9, 10]]

  init() throws { model = try RandomCheckpoint.shared }

  /// A rank without sequences asks for the same groups at every position as one with some, in the order that it announced;
  /// the head is not asked for while the prompt lasts. Kept groups are asked for once.
  @Test(arguments: [false, true]) func ranksWithoutSequences(isKeeping: Bool) throws {
    let layers: [WeightGroup] = [.embedding, .layer(0), .layer(1)]
    let sweeps =
      isKeeping
      ? [layers, [], [.head], [], []] : [layers, layers] + Array(repeating: layers + [.head], count: 3)
    for prompts in [prompts, []] {
      let source = RecordingSource(try MemoryLayerSource(model))
      var run = GenerationRun(model.blueprint, backend: TestedBackend.cpu.make()) { source }
      run.isKeeping = isKeeping
      var done: [[Int]] = []
      let written = try run.pass().run(
        prompts, promptLength: 3, length: 6, progress: { done.append([$0, $1]) }, next: { _, _, _ in 1 })
      #expect(written == prompts.map { $0 + [1, 1, 1] })
      #expect(source.requested == sweeps)
      #expect(source.announced == sweeps)
      #expect(done == (1...5).map { [$0, 5] })
    }
  }

  /// Positions in order, and the sequences of each; what is thrown ends the pass.
  @Test func choices() throws {
    struct Stop: Error {}
    let run = GenerationRun(model, backend: TestedBackend.cpu.make())
    var asked: [[Int]] = []
    #expect(throws: Stop.self) {
      try run.pass().run(prompts, promptLength: 3, length: 9) { sequence, position, logits in
        asked.append([sequence, position, logits.count])
        if position == 4, sequence == 1 { throw Stop() }
        return 2
      }
    }
    #expect(asked == [[0, 3, 64], [1, 3, 64], [0, 4, 64], [1, 4, 64]])
  }

  @Test func nothingToWrite() throws {
    let source = RecordingSource(try MemoryLayerSource(model))
    let run = GenerationRun(model.blueprint, backend: TestedBackend.cpu.make()) { source }
    let written = try run.pass().run(prompts, promptLength: 3, length: 3) { _, _, _ in 1 }
    #expect(written == prompts && source.requested.isEmpty)
  }

  @Test func onlyFromLeftToRight() throws {
    var blueprint = model.blueprint
    guard case .attention(var attention) = blueprint.stacks[0].layers[1].sublayers[0].kind else { return }
    attention.mask = .full
    blueprint.stacks[0].layers[1].sublayers[0].kind = .attention(attention)
    let source = RecordingSource(try MemoryLayerSource(model))
    let run = GenerationRun(blueprint, backend: TestedBackend.cpu.make()) { source }
    let error = #expect(throws: TransformerError.self) { try run.write(prompts, length: 5) }
    #expect(
      error?.message
        == "the model has attention to later tokens where text is written, which this version of Espalier does not compute"
    )
    #expect(source.announced.isEmpty)
  }
}

/// Notes what is announced to a source and asked of it, sweep by sweep.
private final class RecordingSource: LayerSource {
  private let source: any LayerSource
  private(set) var announced: [[WeightGroup]] = []
  private(set) var requested: [[WeightGroup]] = []

  init(_ source: any LayerSource) { self.source = source }

  func begin(_ schedule: [WeightGroup]) throws {
    announced.append(schedule)
    requested.append([])
    try source.begin(schedule)
  }

  func weights(of group: WeightGroup) throws -> GroupWeights {
    requested[requested.count - 1].append(group)
    return try source.weights(of: group)
  }
}
