package import Artifacts
internal import Evaluation
internal import Foundation

/// How much text each phase of a run takes.
package struct RunWorkload: Sendable, Equatable {
  /// Sequences of one length, over all ranks.
  package struct Text: Sendable, Equatable {
    var sequences: Int
    var length: Int

    /// Tokens of the rank that has most.
    func tokens(ranks: Int) -> Int { share(ranks: ranks) * length }
    /// Sequences of the rank that has most.
    func share(ranks: Int) -> Int { (sequences + ranks - 1) / ranks }
  }

  /// A stage that trains.
  package struct Training: Sendable, Equatable {
    var steps: Int
    /// A pass over all ranks.
    var pass: Text
    /// Passes of a step.
    var accumulation: Int
    var isDistilled: Bool
    var comparesStates: Bool
    /// What is held out, and how often it is measured.
    var validation: Text
    var validations: Int
  }

  /// Text that the model writes.
  package struct Generation: Sendable, Equatable {
    var text: Text
    /// Tokens that a sequence begins with.
    var prompt: Int

    init(_ section: RunDocument.GenerationSection) {
      text = Text(sequences: section.sequences, length: section.length)
      prompt = section.prompt
    }
  }

  /// nil: the model writes nothing.
  package var generation: Generation?
  /// nil: the criterion needs none.
  package var calibration: Text?
  /// Sets that are scored and compared.
  package var candidates = 1
  package var heldOut = Text(sequences: 0, length: 0)
  /// nil: perplexity is not measured.
  package var evaluation: Text?
  package var tuning: Training?
  package var recovery: Training?
  /// Further scoring passes between stages of tuning.
  package var rescorings = 0
  /// What could not be told, one line each.
  package var warnings: [String] = []

  /// What a document asks for. Text need not be there: sequences are counted as the document counts them.
  package init(_ document: RunDocument) {
    if document.scoring.criterion.usesCalibration {
      calibration = Text(sequences: document.calibration.sequences, length: document.calibration.length)
      let (seeds, texts) = (document.selection.seeds, 1 + document.selection.texts.count)
      let (product, overflow) = seeds.multipliedReportingOverflow(by: texts)
      candidates = overflow ? .max : product
      if candidates > 1 {
        heldOut = Text(sequences: document.selection.sequences, length: document.selection.length)
      }
    }
    if document.generation.sequences > 0 { generation = Generation(document.generation) }
    let (tune, recover) = (document.tuning, document.recovery)
    if tune.steps > 0 {
      tuning = Training(
        steps: tune.steps, pass: Text(sequences: tune.batch, length: tune.length), accumulation: tune.accumulation,
        isDistilled: tune.objective == .distillation, comparesStates: tune.hiddenWeight != 0,
        validation: Text(sequences: tune.validation, length: tune.length), validations: 2 + tune.stages)
      rescorings = tune.rescore ? max(0, tune.stages - 1) : 0
    }
    if recover.steps > 0 {
      recovery = Training(
        steps: recover.steps, pass: Text(sequences: recover.batch, length: recover.length),
        accumulation: recover.accumulation, isDistilled: recover.objective == .distillation,
        comparesStates: recover.hiddenWeight != 0,
        validation: Text(sequences: recover.validation, length: recover.length), validations: 5)
    }
    if let text = document.evaluation.text { evaluation = windows(document.evaluation, text: text) }
  }

  /// What a run has read.
  init(_ inputs: Inputs) {
    self.init(inputs.document)
    warnings = []
    // Other verbs write none, whatever the document says.
    generation = inputs.prompts.isEmpty ? nil : Generation(inputs.document.generation)
    if calibration != nil {
      let length = inputs.sequences.map(\.count).max() ?? 0
      calibration = Text(sequences: inputs.sequences.count, length: length)
      candidates = max(1, inputs.candidates.count)
      heldOut = Text(sequences: inputs.heldOut.count, length: inputs.heldOut.first?.count ?? 0)
    }
    evaluation =
      inputs.windows.isEmpty
      ? nil : Text(sequences: inputs.windows.count, length: inputs.windows.map(\.ids.count).max() ?? 0)
  }

  /// `evaluation.limit` windows, or as many as a file of this size has.
  private mutating func windows(_ section: RunDocument.EvaluationSection, text: String) -> Text? {
    if let limit = section.limit { return Text(sequences: limit, length: section.window) }
    let attributes = try? FileManager.default.attributesOfItem(atPath: text)
    guard let bytes = attributes?[.size] as? Int else {
      warnings.append(
        "evaluation.text: \(text) is not here, so its perplexity is left out; say how many windows (--limit COUNT)")
      return nil
    }
    warnings.append("evaluation.text: \(text) is taken to have a token in 4 bytes; evaluation.limit would tell")
    return Text(sequences: max(1, bytes / 4 / section.stride), length: section.window)
  }

  /// Tokens of the largest text, to tell what no machine can count.
  var mostTokens: Double {
    let texts = [
      calibration, heldOut, evaluation, generation?.text, tuning?.pass, tuning?.validation, recovery?.pass,
      recovery?.validation,
    ]
    return texts.compactMap { $0 }.map { Double($0.sequences) * Double($0.length) }.max() ?? 0
  }
}
