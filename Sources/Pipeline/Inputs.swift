internal import Checkpoints
public import Architectures
public import Artifacts
internal import Blueprints
internal import Calibration
public import Evaluation
internal import Safetensors
internal import Tokenizers

/// Everything that a run reads, read and checked: made before the message library starts, so that a wrong input costs
/// nothing.
public struct Inputs {
  public let document: RunDocument
  public internal(set) var model: Model
  /// The model's hash, taken once: it reads a little of every weight file.
  let modelHash: String
  /// The files of the model, and of the teacher, as they were opened.
  let stamps: [CheckpointStamp]
  /// The calibration sets to choose from, the document's own first; empty when the criterion needs none.
  let candidates: [CalibrationSet]
  /// What candidates are compared on, sequences of all ranks; empty unless there are several.
  let heldOut: [[Int32]]
  /// The set that units are scored on: the document's own, until another is chosen.
  var calibration: CalibrationSet
  /// All ranks' evaluation windows; empty without a text.
  public let windows: [EvaluationWindow]
  /// What gates are tuned on; nil when they are not.
  let tuningText: TrainingText?
  /// What the sequences start with that the model writes, of all ranks; empty when it writes none.
  let prompts: [[Int32]]
  /// What a pruned model recovers on; nil when it does not.
  let recoveryText: TrainingText?
  /// The dense model that recovery learns from, when the document names another than `model`.
  let teacher: Model?
  /// The teacher's hash, taken once as the model's; empty without one.
  let teacherHash: String
  /// Whether the model is cut already, and recovers.
  let isCut: Bool
  /// What may surprise, for the report.
  public private(set) var warnings: [String]

  /// What a command needs of a document.
  public struct Needs: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    public static let calibration = Needs(rawValue: 1)
    public static let evaluation = Needs(rawValue: 2)
    /// An evaluation text must be given, not only may.
    public static let evaluationText = Needs(rawValue: 4)
    /// Text for the gates, when there are steps to tune them.
    public static let tuning = Needs(rawValue: 8)
    /// Text for recovery, when there are steps for it.
    public static let recovery = Needs(rawValue: 16)
    /// The dense model that recovery learns from.
    public static let teacher = Needs(rawValue: 32)
    /// Every candidate for the calibration, when there are several.
    public static let selection = Needs(rawValue: 64)
    /// Text for the gates, and steps to tune them.
    public static let tuningSteps: Needs = [.tuning, Needs(rawValue: 128)]
    /// Text for recovery, and steps for it.
    public static let recoverySteps: Needs = [.recovery, Needs(rawValue: 256)]
    /// Prompts, and how many sequences to write from them.
    public static let generation = Needs(rawValue: 512)
    /// What the whole pipeline needs.
    public static let ofPrune: Needs = [.calibration, .selection, .tuning, .recovery, .evaluation]
  }

  /// Opens the model and reads the texts.
  ///
  /// - Parameter written: the document; lengths that it does not give fit the model's positions.
  /// - Throws: the one-line errors of the modules that read them.
  public init(_ written: RunDocument, needs: Needs) throws {
    isCut = needs.contains(.teacher)
    for (need, key, what, steps) in [
      (Needs.tuningSteps, "tuning.steps", "tune", written.tuning.steps),
      (.recoverySteps, "recovery.steps", "recover", written.recovery.steps),
    ] where needs.isSuperset(of: need) && steps == 0 {
      throw RunDocumentError(
        .missingKey, "\(key): 0 steps \(what) nothing; say how many (--set \(key)=100)")
    }
    if needs.contains(.generation), written.generation.sequences == 0 {
      throw RunDocumentError(
        .missingKey,
        "generation.sequences: 0 sequences are no text; say how many (--set generation.sequences=400)")
    }
    model = try Model(path: written.model)
    let document = written.fitting(positions: model.blueprint.maximumPositions)
    self.document = document
    let modelStamp = CheckpointStamp(model.folder)
    modelHash = model.folder.modelHash()
    var warnings = model.warnings
    let reader = TextReader(model)

    // Gates may be scored again while they are tuned.
    let isRescored = needs.contains(.tuning) && document.tuning.steps > 0 && document.tuning.rescore
    if needs.contains(.calibration) || isRescored, document.scoring.criterion.usesCalibration {
      try document.requireCalibrationText()
      if needs.contains(.selection) {
        (candidates, heldOut) = try reader.candidates(document)
      } else {
        let text = document.calibration.text
        let sequences = try reader.sequences(document.calibration)
        candidates = [CalibrationSet(text: text, seed: document.calibration.seed, sequences: sequences)]
        heldOut = []
      }
      let longest = candidates.flatMap { $0.sequences.map(\.count) }.max()
      warnings += reader.lengthWarnings("calibration.length", longest ?? 0)
      warnings += reader.lengthWarnings("selection.length", heldOut.first?.count ?? 0)
    } else {
      (candidates, heldOut) = ([], [])
    }
    calibration = candidates.first ?? CalibrationSet(text: [], seed: 0, sequences: [])
    if needs.contains(.selection) { warnings += Self.selectionWarnings(document) }

    if needs.contains(.generation) {
      let (chosen, different) = try reader.prompts(document)
      prompts = chosen
      if different < chosen.count {
        warnings.append(
          "the text has \(different) prompt\(different == 1 ? "" : "s") for \(chosen.count) sequences, so they are taken "
            + "again; what follows them differs")
      }
      warnings += reader.lengthWarnings("generation.length", document.generation.length)
    } else {
      prompts = []
    }
    if needs.contains(.tuning), document.tuning.steps > 0 {
      tuningText = try reader.tuningText(document)
      warnings += reader.lengthWarnings("tuning.length", document.tuning.length)
    } else {
      tuningText = nil
    }
    if needs.contains(.recovery), document.recovery.steps > 0 {
      let width = model.blueprint.hiddenSize
      guard document.recovery.rank <= width else {
        throw RunDocumentError(
          .invalidValue,
          "recovery.rank: \(document.recovery.rank) is more than the model's width of \(width); name a lower one")
      }
      recoveryText = try reader.recoveryText(document)
      warnings += reader.lengthWarnings("recovery.length", document.recovery.length)
    } else {
      recoveryText = nil
    }
    teacher = needs.contains(.teacher) ? try Self.teacher(document, of: model) : nil
    warnings += teacher?.warnings ?? []
    stamps = [modelStamp] + (teacher.map { [CheckpointStamp($0.folder)] } ?? [])
    teacherHash = teacher?.folder.modelHash() ?? ""

    if needs.contains(.evaluation), let text = document.evaluation.text {
      windows = try reader.windows(document.evaluation, text: text)
      warnings += reader.lengthWarnings("evaluation.window", document.evaluation.window)
    } else {
      guard !needs.contains(.evaluationText) else {
        throw RunDocumentError(
          .missingKey, "evaluation.text: missing; name a text to measure perplexity on (--evaluation-text FILE)")
      }
      windows = []
    }
    self.warnings = warnings + reader.notes.lines
    self.warnings += textWarnings
  }

  /// What was read, in words.
  var summary: String {
    let counts: [(Int, String)] = [
      (candidates.reduce(0) { $0 + $1.sequences.count }, "to score on"), (heldOut.count, "to select on"),
      (prompts.count, "to write text from"), (tuningText?.ids.count ?? 0, "to tune on"),
      (recoveryText?.ids.count ?? 0, "to recover on"), (windows.count, "to measure perplexity on"),
    ]
    let texts = counts.filter { $0.0 > 0 }.map { "\(TableNumber.counted($0.0, "sequence")) \($0.1)" }
    return texts.isEmpty ? "none are needed" : texts.joined(separator: ", ")
  }

  /// All ranks' calibration sequences, `[sequence][token]`; empty when the criterion needs none.
  var sequences: [[Int32]] { calibration.sequences }

  /// SHA-256 over the calibration sequences.
  var dataHash: String { calibration.hash }

  /// One hash over the calibration sequences of every candidate.
  var candidatesHash: String { candidates.map(\.hash).joined(separator: "-") }

  /// SHA-256 over what candidates are compared on.
  var heldOutHash: String { CalibrationSet.hash(heldOut) }

  /// SHA-256 over the evaluation windows.
  var windowsHash: String { CalibrationSet.hash(windows.map(\.ids)) }

  /// SHA-256 over the text that gates are tuned on; empty without.
  var tuningHash: String { tuningText.map { CalibrationSet.hash($0.ids) } ?? "" }

  /// SHA-256 over the prompts; empty without.
  var promptsHash: String { prompts.isEmpty ? "" : CalibrationSet.hash(prompts) }

  /// SHA-256 over the text of recovery; empty without.
  var recoveryHash: String { recoveryText.map { CalibrationSet.hash($0.ids) } ?? "" }

  /// A warning when candidates are asked for that would all score alike.
  private static func selectionWarnings(_ document: RunDocument) -> [String] {
    let (selection, criterion) = (document.selection, document.scoring.criterion)
    guard !criterion.usesCalibration, selection.seeds > 1 || !selection.texts.isEmpty else { return [] }
    return ["the criterion \(criterion.rawValue) needs no calibration text, so there is none to select"]
  }

  /// The dense model that distillation needs.
  private static func teacher(_ document: RunDocument, of model: Model) throws -> Model? {
    guard document.recovery.objective == .distillation else { return nil }
    guard let path = document.recovery.teacher else {
      throw RunDocumentError(
        .missingKey,
        "recovery.teacher: missing; name the dense model's folder to learn from, or set recovery.objective: loss")
    }
    let teacher = try Model(path: path)
    guard teacher.blueprint.vocabularySize == model.blueprint.vocabularySize else {
      throw RunDocumentError(
        .conflict,
        "recovery.teacher: \(path) has a vocabulary of \(teacher.blueprint.vocabularySize) tokens, not "
          + "\(model.blueprint.vocabularySize) as the model has; name the model that it was pruned from")
    }
    let shapes = [teacher, model].map { ($0.blueprint.layers.count, $0.blueprint.hiddenSize) }
    guard document.recovery.hiddenWeight == 0 || shapes[0] == shapes[1] else {
      throw RunDocumentError(
        .conflict,
        "recovery.teacher: \(path) has \(shapes[0].0) layers of width \(shapes[0].1), the model \(shapes[1].0) of width "
          + "\(shapes[1].1); name the model that it was pruned from, or set recovery.hidden-weight: 0")
    }
    return teacher
  }
}
