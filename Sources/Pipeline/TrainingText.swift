internal import Artifacts
internal import Calibration
internal import Communication
internal import GateTuning
internal import Transformers
internal import Evaluation

/// The text of a stage that trains: what its steps take, and what is held out to judge them.
public struct TrainingText: Sendable {
  let training: TrainingSequences
  /// Empty when nothing is held out.
  let validation: [EvaluationWindow]
  private let batch: Int
  private let accumulation: Int

  /// - Parameters:
  ///   - sequences: with those to hold out.
  ///   - batch: sequences of a pass over all ranks.
  ///   - accumulation: passes of a step.
  init(_ sequences: TrainingSequences, heldOut: Int, batch: Int, accumulation: Int) throws(CalibrationError) {
    let parts = try sequences.split(heldOut: heldOut)
    training = parts.training
    validation = parts.heldOut.map { EvaluationWindow(ids: $0.ids, scoredFrom: $0.scoredFrom) }
    self.batch = batch
    self.accumulation = accumulation
  }

  /// All sequences, for the hash that ranks compare.
  var ids: [[Int32]] { training.sequences.map(\.ids) + validation.map(\.ids) }

  /// Tokens of a pass of one rank, at most.
  func tokensPerPass(ranks: Int) -> Int {
    (batch + ranks - 1) / ranks * longest
  }

  /// Tokens of its longest sequence.
  var longest: Int { training.sequences.map(\.ids.count).max() ?? 0 }

  /// Tokens of a step over all ranks, at most.
  var tokensPerStep: Int { batch * accumulation * longest }

  /// This rank's part of a step. Which sequences a step takes does not depend on the number of ranks.
  func step(_ index: Int, batchTokens: Int, communicator: any Communicator) -> TrainingBatches {
    var passes: [[TokenBatch]] = []
    let block = Partition(ranks: communicator.size).block(of: batch, rank: communicator.rank)
    var (targets, tokens) = (0, 0)
    for pass in 0..<accumulation {
      let places = training.step(index * accumulation + pass, batch: batch)
      for place in places {
        targets += training.sequences[place].targets
        tokens += training.sequences[place].ids.count
      }
      let own = places[block].map { training.sequences[$0] }
      passes.append(TokenBatch.split(own.map(\.ids), tokens: batchTokens, scoredFrom: own.map(\.scoredFrom)))
    }
    return TrainingBatches(
      passes: passes, firstSequences: (0..<accumulation).map { $0 * batch + block.lowerBound }, targets: targets,
      tokens: tokens)
  }
}

extension TextReader {
  /// What gates are tuned on.
  func tuningText(_ document: RunDocument) throws -> TrainingText {
    let section = document.tuning
    return try trainingText(
      document.tuningText, section: "tuning", length: section.length, limit: section.sequences, seed: section.seed,
      steps: section.steps, batch: section.batch, accumulation: section.accumulation, heldOut: section.validation)
  }

  /// What a pruned model recovers on.
  func recoveryText(_ document: RunDocument) throws -> TrainingText {
    let section = document.recovery
    return try trainingText(
      document.recoveryText, section: "recovery", length: section.length, limit: section.sequences, seed: section.seed,
      steps: section.steps, batch: section.batch, accumulation: section.accumulation, heldOut: section.validation)
  }

  private func trainingText(
    _ text: [String], section: String, length: Int, limit: Int?, seed: UInt64, steps: Int, batch: Int,
    accumulation: Int, heldOut: Int
  ) throws -> TrainingText {
    let (perStep, overflows) = batch.multipliedReportingOverflow(by: accumulation)
    guard !overflows, perStep <= Self.largestStep else {
      throw RunDocumentError(
        .invalidValue,
        "\(section).batch: \(batch) sequences times \(section).accumulation of \(accumulation) are too many for a step; "
          + "at most \(Self.largestStep) are possible")
    }
    let (needed, overflowsToo) = perStep.multipliedReportingOverflow(by: steps)
    let all = overflowsToo || needed > Int(Int32.max) ? Int(Int32.max) : needed + heldOut
    let sequences = try trainingSequences(
      text: text, key: "\(section).text", length: length, seed: seed, needed: min(all, limit ?? all))
    return try named("\(section).validation") { () throws(CalibrationError) in
      try TrainingText(sequences, heldOut: heldOut, batch: batch, accumulation: accumulation)
    }
  }

  /// Sequences of a step over all ranks, at most: every rank lists them.
  private static let largestStep = 1 << 20
}
