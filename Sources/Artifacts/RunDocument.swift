/// The document of a run, `run.yaml`: what to prune, by what, into what.
///
/// Keys are kebab-case and every key but `model` has a default; ``schemaText()`` lists them all. A document comes only
/// out of YAML text, a model path, or ``applying(_:environment:)``, all of which check every value against one schema,
/// so whoever holds a document can rely on the ranges that the properties state.
///
/// Paths are kept as written, with a leading `~/` replaced by the home folder: relative ones are relative to the
/// process's *current folder*, not to the folder of run.yaml, so a path means the same in the document and on the
/// command line.
public struct RunDocument: Sendable {
  /// The folder of the model to prune, as Hugging Face lays it out.
  public internal(set) var model: String
  /// The folder that the pruned model is written to. Default: the model folder's name with `-pruned`, in the current
  /// folder (for `…/models--OWNER--NAME/snapshots/REVISION` of the Hugging Face cache, NAME).
  public internal(set) var output = ""
  /// The folder of run.yaml, scores.safetensors, plan.json, report.json and report.html. Default: ``output`` with `.run`.
  public internal(set) var runFolder = ""
  /// Whether an existing output is replaced. Default: false.
  public internal(set) var overwrite = false
  /// The text that the units are scored on.
  public internal(set) var calibration = CalibrationSection()
  /// Which of several candidate texts they are scored on.
  public internal(set) var selection = SelectionSection()
  /// How units are scored.
  public internal(set) var scoring = ScoringSection()
  /// How many units go, and where.
  public internal(set) var allocation = AllocationSection()
  /// The training text that the model writes itself.
  public internal(set) var generation = GenerationSection()
  /// How gates learn which units stay.
  public internal(set) var tuning = TuningSection()
  /// How what is left is trained.
  public internal(set) var recovery = RecoverySection()
  /// How gradients travel between ranks.
  public internal(set) var exchange = ExchangeSection()
  /// The text that perplexity is measured on.
  public internal(set) var evaluation = EvaluationSection()
  /// How the pruned model is written.
  public internal(set) var repacking = RepackingSection()
  /// What a rank may use; nothing here changes what is kept.
  public internal(set) var resources = ResourcesSection()

  /// Where each key that was given came from: dotted key → `run.yaml:LINE:COLUMN` or the flag.
  var origins: [String: String] = [:]

  /// The largest run.yaml that is read, 1 MB.
  public static let maximumBytes = 1_000_000

  /// A document in which everything but the model is at its default.
  ///
  /// - Throws: ``RunDocumentError`` when `model` is not a usable path.
  public init(model: String, environment: RunEnvironment = .process) throws(RunDocumentError) {
    self = try RunDocument(unresolvedModel: "").applying(
      [RunOverride(key: "model", value: model, source: "model")],
      environment: environment)
  }

  /// A document whose model and dependent defaults are still to be filled in.
  init(unresolvedModel model: String) { self.model = model }

  /// Where the value of `key` (dotted, such as `calibration.text`) was given: `run.yaml:LINE:COLUMN` or the flag; `nil`
  /// when it is the default. For errors about what a value names, such as a file that is not there.
  public func origin(of key: String) -> String? { origins[key] }
}

/// Two documents are equal when every key resolves to the same value, wherever the values came from.
extension RunDocument: Equatable {
  public static func == (left: RunDocument, right: RunDocument) -> Bool {
    schema.allSatisfy { $0.text(left) == $0.text(right) }
  }
}
