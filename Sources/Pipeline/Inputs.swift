internal import Checkpoints
public import Architectures
public import Artifacts
internal import Blueprints
internal import Calibration
internal import Crypto
public import Evaluation
internal import Safetensors
internal import Tokenizers

/// Everything that a run reads, read and checked: made before the message library starts, so that a wrong input costs
/// nothing.
public struct Inputs {
  public let document: RunDocument
  public let model: Model
  /// The model's hash, taken once: it reads a little of every weight file.
  let modelHash: String
  /// All ranks' calibration sequences, `[sequence][token]`; empty when the criterion needs none.
  public let sequences: [[Int32]]
  /// SHA-256 over the calibration sequences.
  let dataHash: String
  /// All ranks' evaluation windows; empty without a text.
  public let windows: [EvaluationWindow]
  /// What may surprise, for the report.
  public let warnings: [String]

  /// What a command needs of a document.
  public struct Needs: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    public static let calibration = Needs(rawValue: 1)
    public static let evaluation = Needs(rawValue: 2)
    /// An evaluation text must be given, not only may.
    public static let evaluationText = Needs(rawValue: 4)
  }

  /// Opens the model and reads the texts.
  ///
  /// - Throws: the one-line errors of the modules that read them.
  public init(_ document: RunDocument, needs: Needs) throws {
    self.document = document
    model = try Model(path: document.model)
    modelHash = model.folder.modelHash()
    var warnings: [String] = []
    let reader = TextReader(model)

    if needs.contains(.calibration), document.scoring.criterion.usesCalibration {
      try document.requireCalibrationText()
      sequences = try reader.sequences(document.calibration)
      warnings += reader.lengthWarnings("calibration.length", sequences.map(\.count).max() ?? 0)
    } else {
      sequences = []
    }
    dataHash = Self.hash(sequences)

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
    self.warnings = warnings
  }

  /// SHA-256 over the evaluation windows.
  var windowsHash: String { Self.hash(windows.map(\.ids)) }

  private static func hash(_ sequences: [[Int32]]) -> String {
    var hash = SHA256()
    for sequence in sequences {
      hash.update(data: littleEndianBytes([Int32(truncatingIfNeeded: sequence.count)] + sequence))
    }
    return hash.finalize().map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
  }

  private static func littleEndianBytes(_ values: [Int32]) -> [UInt8] {
    values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * Int32($0))) } }
  }
}
