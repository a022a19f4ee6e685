internal import Artifacts
internal import Blueprints
internal import Communication
internal import Compute
internal import Saliency
internal import Transformers

/// What scoring by gradients saves to go on from below a layer, on any number of ranks.
///
/// Ranks share the scores of the layers that are done, and f. Each one's own is the gradient of f by the activations below
/// these layers, of every calibration sequence that it runs: an array `[token · hidden]` by the sequence's number among
/// those of all ranks. So whoever runs a sequence later finds its stream.
struct ScoringState {
  let store: StateStore
  /// Of all that scores depend on.
  let digest: String
  let blueprint: Blueprint
  /// Tokens of all ranks' sequences.
  let lengths: [Int]

  /// The numbers of a state that are no arrays.
  private struct Record: Codable {
    var layer: Int
    var objective: Double
  }

  /// A state that was found.
  struct Found {
    let progress: ScoringProgress
    /// Of each sequence of this rank: where its stream is; empty when all layers are done.
    fileprivate let files: [SavedStateFile]
    fileprivate let first: Int

    /// Puts this rank's streams where a pass goes on from them.
    func put(into boundaries: BoundaryStore, batches: [TokenBatch], backend: any ComputeBackend) throws {
      // All layers are done, and no pass comes.
      guard progress.layer > 0 else { return }
      var place = 0
      for (number, batch) in batches.enumerated() {
        var values: [Float] = []
        for file in files[place..<place + batch.layout.count] {
          let stream = try file.array(ScoringState.name(ofSequence: first + place))
          if values.isEmpty { values = stream } else { values += stream }
          place += 1
        }
        let (rows, columns) = (batch.layout.tokens, values.count / batch.layout.tokens)
        try boundaries.put(
          backend.makeMatrix(rows, columns, values: values), layer: progress.layer, batch: number)
      }
    }
  }

  private var communicator: any Communicator { store.session.communicator }

  /// The sequences of a rank among those of all ranks, as ``Communicator/share(of:)`` gives them out.
  private var own: Range<Int> {
    Partition(ranks: communicator.size).block(of: lengths.count, rank: communicator.rank)
  }

  /// Saves what a layer leaves. Collective.
  ///
  /// - Parameters:
  ///   - streams: by batch, of this rank.
  ///   - floats: a matrix's numbers.
  func save(
    _ done: ScoringProgress, batches: [TokenBatch], streams: [Matrix], floats: @escaping (Matrix) -> [Float]
  ) throws {
    var shared = SavedState()
    for (layer, scores) in zip(done.layer..., done.layers) {
      shared.arrays[Self.name(of: layer, .attention)] = scores.attention
      shared.arrays[Self.name(of: layer, .mlp)] = scores.mlp
    }
    try shared.setRecord(Record(layer: done.layer, objective: done.objective))
    // Below the first layer nothing is left to do.
    let needsStreams = done.layer > 0 && !batches.isEmpty
    try store.save(
      step: blueprint.layers.count - done.layer, digest: digest, shared: shared,
      writingOwn: needsStreams ? { try write(batches: batches, streams: streams, floats: floats, to: $0) } : nil)
  }

  /// The newest state that every rank can go on from. Collective.
  func load() throws -> Found? {
    let found = try store.load(digest: digest) { stored in
      let progress = try progress(of: stored.shared(), step: stored.step)
      var files: [SavedStateFile] = []
      if progress.layer > 0 {
        let savers = Partition(ranks: stored.ranks)
        var last: (rank: Int, file: SavedStateFile)?
        for sequence in own {
          let saver = savers.owner(ofIndex: sequence, of: lengths.count)
          if last?.rank != saver { last = try stored.own(ofRank: saver).map { (saver, $0) } }
          guard let file = last?.file,
            file.count(of: Self.name(ofSequence: sequence)) == lengths[sequence] * blueprint.hiddenSize
          else { throw Self.mismatch(Self.name(ofSequence: sequence)) }
          files.append(file)
        }
      }
      return (found: Found(progress: progress, files: files, first: own.lowerBound), ranks: stored.ranks)
    }
    guard let (found, ranks) = found else { return nil }
    let saver = ranks == communicator.size ? "" : ", which \(ranks) rank\(ranks == 1 ? "" : "s") saved"
    store.session.console.say("\(store.name): goes on after layer \(found.progress.layer)\(saver)")
    return found
  }

  /// Writes a rank's streams, one batch in memory at a time.
  private func write(
    batches: [TokenBatch], streams: [Matrix], floats: (Matrix) -> [Float], to path: String
  ) throws -> String {
    // By sequence: its batch, and its rows there.
    let places = batches.indices.flatMap { batch in
      (0..<batches[batch].layout.count).map { (batch: batch, rows: batches[batch].layout.rows(of: $0)) }
    }
    let arrays = zip(own, places).map { sequence, place in
      (name: Self.name(ofSequence: sequence), count: place.rows.count * blueprint.hiddenSize)
    }
    var batch: (number: Int, values: [Float])?
    return try SavedStateFile.write(arrays, to: path) { index in
      let place = places[index]
      let values = batch?.number == place.batch ? batch?.values ?? [] : floats(streams[place.batch])
      batch = (place.batch, values)
      guard place.rows.count < batches[place.batch].layout.tokens else { return values }
      let width = blueprint.hiddenSize
      return Array(values[place.rows.lowerBound * width..<place.rows.upperBound * width])
    }
  }

  /// What ranks share, checked against the model.
  private func progress(of file: SavedStateFile, step: Int) throws -> ScoringProgress {
    let shared = try SavedState(file)
    let record = try shared.record(as: Record.self)
    let layers = blueprint.prunableLayers
    guard layers.indices.contains(record.layer), record.layer == layers.count - step else {
      throw Self.mismatch("layer \(record.layer)")
    }
    return ScoringProgress(
      layer: record.layer, objective: record.objective,
      layers: try (record.layer..<layers.count).map { layer in
        ScoreTable.Layer(
          attention: try shared.array(Self.name(of: layer, .attention), count: layers[layer].attentionUnits),
          mlp: try shared.array(Self.name(of: layer, .mlp), count: layers[layer].mlpUnits))
      })
  }

  private enum Pool: String { case attention, mlp }

  private static func name(of layer: Int, _ pool: Pool) -> String { "layers.\(layer).\(pool.rawValue)" }

  /// Of one length, so that the names' order is the sequences'.
  fileprivate static func name(ofSequence number: Int) -> String {
    let digits = String(number)
    return "sequence." + String(repeating: "0", count: max(0, 10 - digits.count)) + digits
  }

  private static func mismatch(_ what: String) -> ArtifactError {
    ArtifactError(
      code: .mismatch, message: "the saved state's \(what) does not fit this run; remove the run folder's state")
  }
}
