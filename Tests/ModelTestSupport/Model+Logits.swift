public import Architectures
public import Compute
internal import LayerStreaming
public import Transformers

extension Model {
  /// The logits `[token, vocabulary]` of each sequence, one after another.
  public func logits(
    of sequences: [[Int32]], backend: any ComputeBackend, gates: ModelGates? = nil, adapters: ModelAdapters = [:],
    source: (any LayerSource)? = nil
  ) throws -> [[Float]] {
    var logits: [[Float]] = []
    try ForwardPass(blueprint: blueprint, backend: backend, source: source ?? MappedLayerSource(self))
      .run(sequences.map { TokenBatch(nextTokenOf: [$0]) }, gates: gates, adapters: adapters) { _, stream, head in
        logits.append(backend.floats(try head.logits(stream)))
      }
    return logits
  }
}
