internal import Compute
internal import Architectures
internal import Artifacts
internal import Calibration
internal import Communication
internal import Transformers

/// Lets the dense model write sequences over all ranks, as data-free distillation does: Liu et al. 2023, "LLM-QAT: Data-Free
/// Quantization Aware Training for Large Language Models".
struct GenerateStage {
  let session: Session
  let resources: Resources
  let recorder: PhaseRecorder

  /// Continues the inputs' prompts, round by round: in each round every rank writes its block of the round's sequences.
  ///
  /// A token is drawn by its sequence's number among all and its position, so that rounds and ranks change no more of the
  /// text than the rounding of logits does.
  ///
  /// - Parameters:
  ///   - first: the first sequence that is not written yet.
  ///   - keep: gets the places of each round's sequences, and the sequences, on all ranks.
  /// - Throws: ``CalibrationError``, shared by all ranks, for logits that are no numbers; ``StoppedError`` within a round.
  func run(
    _ inputs: Inputs, from first: Int, memory: GenerationMemory,
    keep: (_ places: Range<Int>, _ sequences: [[Int32]]) throws -> Void
  ) throws {
    let section = inputs.document.generation
    let communicator = session.communicator
    let remaining = inputs.prompts.count - first
    let source = try resources.source(inputs.model)
    let pass = GenerationPass(
      WidenedWeights(
        blueprint: inputs.model.blueprint, backend: resources.backend, source: source, isKeeping: memory.keepsWeights))
    let sampler = TokenSampler(temperature: section.temperature, seed: section.seed)
    let perRound = memory.sequences * communicator.size
    let rounds = Partition(ranks: max(1, (remaining + perRound - 1) / perRound))
    let drawn = Double(remaining * (section.length - section.prompt))
    try recorder.run("generate", amount: drawn, unit: "tokens") {
      for round in 0..<rounds.ranks {
        let block = rounds.block(of: remaining, rank: round)
        let places = first + block.lowerBound..<first + block.upperBound
        let own = Partition(ranks: communicator.size).block(of: places.count, rank: communicator.rank)
        let start = places.lowerBound + own.lowerBound
        var failure: (any Error)?
        let written = try pass.run(
          Array(inputs.prompts[places][start..<start + own.count]), promptLength: section.prompt,
          length: section.length,
          progress: { done, total in
            try session.together { if let failure { throw failure } }
            session.console.progress(block.lowerBound * total + block.count * done, of: remaining * total)
            try session.stopIfAsked(saved: Self.saved(places.lowerBound, of: inputs.prompts.count))
          },
          next: { sequence, position, logits in
            do {
              return try sampler.draw(logits, sequence: start + sequence, position: position)
            } catch {
              // Other ranks go on to the end of the position, and learn of it there.
              failure = failure ?? error
              return 0
            }
          })
        try keep(places, try gathered(written, length: section.length))
      }
    }
    recorder.count(source)
    resources.backend.releaseUnusedMemory()
  }

  /// What the same command goes on from.
  private static func saved(_ sequences: Int, of total: Int) -> String {
    sequences == 0 ? "nothing of generate yet" : "generate after \(sequences) of \(total) sequences"
  }

  /// The sequences of all ranks, in the order of ranks.
  private func gathered(_ own: [[Int32]], length: Int) throws -> [[Int32]] {
    try session.communicator.gather(own.flatMap(\.littleEndianBytes)).flatMap { bytes in
      let ids = [Int32](littleEndianBytes: bytes)
      return stride(from: 0, to: ids.count, by: length).map { Array(ids[$0..<$0 + length]) }
    }
  }
}
