import Architectures
import Blueprints
import Compute
import LayerStreaming
import Transformers

/// A model that writes, and the logits from which it chose.
struct GenerationRun {
  let blueprint: Blueprint
  let backend: any ComputeBackend
  /// Made anew for each pass.
  let source: () throws -> any LayerSource
  var isKeeping = true

  init(_ blueprint: Blueprint, backend: any ComputeBackend, source: @escaping () throws -> any LayerSource) {
    self.blueprint = blueprint
    self.backend = backend
    self.source = source
  }

  init(_ model: Model, backend: any ComputeBackend) {
    self.init(model.blueprint, backend: backend) { MappedLayerSource(model) }
  }

  /// Continues prompts with the likeliest token, or with those of `given` sequences; logits by sequence and position.
  func write(
    _ prompts: [[Int32]], length: Int, given: [[Int32]]? = nil
  ) throws -> (sequences: [[Int32]], logits: [[[Float]]]) {
    var logits = prompts.map { _ in [[Float]]() }
    let promptLength = prompts.first?.count ?? 1
    let sequences = try pass().run(prompts, promptLength: promptLength, length: length) { sequence, position, row in
      logits[sequence].append(row.indices.map { row[$0] })
      return given?[sequence][position] ?? logits[sequence].last.map(Self.argmax) ?? -1
    }
    return (sequences, logits)
  }

  func pass() throws -> GenerationPass {
    GenerationPass(
      WidenedWeights(blueprint: blueprint, backend: backend, source: try source(), isKeeping: isKeeping))
  }

  /// The logits `[token][vocabulary]` of each sequence in one forward pass.
  func forward(_ sequences: [[Int32]]) throws -> [[[Float]]] {
    var logits: [[[Float]]] = []
    try ForwardPass(blueprint: blueprint, backend: backend, source: try source())
      .run(sequences.map { TokenBatch(nextTokenOf: [$0]) }) { _, stream, head in
        let all = try head.logits(stream)
        logits.append((0..<all.rows).map { backend.floats(all.rows($0..<$0 + 1)) })
      }
    return logits
  }

  static func argmax(_ values: [Float]) -> Int32 {
    Int32(values.indices.max { values[$0] < values[$1] } ?? -1)
  }
}
