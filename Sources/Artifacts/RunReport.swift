/// What a run did and what came of it: report.json, and the source of the closing table. Where several verbs worked in one
/// run folder, it tells of what they made together; phases, memory and traffic are of the last.
///
/// Keys are snake_case; sizes are bytes, times seconds.
public struct RunReport: Codable, Sendable, Equatable {
  /// The version of this format; readers refuse others.
  public static let formatVersion = 1

  /// ``formatVersion`` of the program that wrote the report.
  public var formatVersion: Int = Self.formatVersion
  /// The version of Espalier.
  public var espalierVersion: String
  /// The model that was pruned.
  public var model: Model
  /// The verbs that had a part in this, the last of them the one that wrote the report; `nil` in older reports.
  public var commands: [Command]?
  /// Which files this tells of; `nil` in older reports.
  public var artifacts: Artifacts?
  /// The folder of the pruned model; `nil` when none was written.
  public var output: String?
  /// ``RunDocument/digest``.
  public var runDigest: String?
  /// How many times the run was continued after it had been cut short; `nil` for none.
  public var resumed: Int?
  /// The machines and what they computed with.
  public var resources: Resources
  /// How units were scored; `nil` when none were, and in older reports.
  public var scoring: Scoring?
  /// How units were chosen; `nil` when none were, and in older reports.
  public var allocation: Allocation?
  /// `nil` when nothing was allocated.
  public var sparsity: Sparsity?
  /// What the plan would leave; `nil` without one, and in older reports.
  public var planned: Planned?
  /// The number of parameters of the whole model.
  public var parameters: Change<Int>?
  /// The size of the weight files.
  public var bytes: Change<Int>?
  /// `nil` when none was measured.
  public var perplexity: Perplexity?
  /// Perplexities on the text of ``perplexity``, in the order they were measured: of the dense model, and after each step
  /// of the method; `nil` where nothing was trained.
  public var perplexities: [Measured]?
  /// What gate tuning and recovery did, in the order they ran; `nil` where nothing was trained.
  public var training: [Training]?
  /// The calibration sets that were compared; `nil` where none were.
  public var selection: [Candidate]?
  /// The text that the model wrote; `nil` where it wrote none.
  public var generated: Generated?
  /// The phases in the order they ran.
  public var phases: [Phase]
  /// The peak resident memory of each rank, by rank.
  public var peakBytes: [Int]
  /// The bytes that all ranks sent to each other.
  public var trafficBytes: Int
  /// What ``trafficBytes`` was expected to be; `nil` where nothing was.
  public var predictedTrafficBytes: Int?
  /// Of the time in which layers were broadcast, the share in which ranks computed; `nil` where nothing was broadcast.
  public var overlap: Double?
  /// What stayed in each layer, by layer; empty when nothing was allocated.
  public var layers: [Layer]
  /// What the user should know, one line each.
  public var warnings: [String]

  /// A report of `model` on `resources`, of which everything else is still to be filled in.
  public init(espalierVersion: String, model: Model, resources: Resources) {
    self.espalierVersion = espalierVersion
    self.model = model
    self.resources = resources
    phases = []
    peakBytes = []
    trafficBytes = 0
    layers = []
    warnings = []
  }

  private enum CodingKeys: String, CodingKey {
    case formatVersion = "format_version"
    case espalierVersion = "espalier_version"
    case model, commands, artifacts, output
    case runDigest = "run_digest"
    case resumed, resources, scoring, allocation, sparsity, planned, parameters, bytes, perplexity, perplexities,
      training, selection, generated, phases
    case peakBytes = "peak_bytes"
    case trafficBytes = "traffic_bytes"
    case predictedTrafficBytes = "predicted_traffic_bytes"
    case overlap
    case layers, warnings
  }
}
