import Artifacts
import Calibration
import Checkpoints
import Communication
import Safetensors
import Tensors
import Tokenizers

/// Something of Espalier's that reads what others wrote. libFuzzer calls it with one input after another; `scripts/fuzz`
/// builds it so.
///
/// An input may be refused, by an error of our own in one line. All else is a finding: a trap, a read out of bounds, an
/// error of another kind, more memory or time than the limits of `scripts/fuzz`.
enum FuzzTarget: String, CaseIterable {
  case safetensors, index, config, tokenizer, run, plan, scores, gates, state, metrics, report, frame
  case runState = "run-state"
  case text, jsonLines = "jsonl", json, gzip, zstandard

  /// Reads `bytes` as this target's kind of input.
  func read(_ bytes: [UInt8], files: FuzzFiles) throws {
    switch self {
    case .safetensors: try Self.readSafetensors(files.put(bytes, "file.safetensors"))
    case .index: try Self.readFolder(files.checkpoint(bytes, as: "model.safetensors.index.json"))
    case .config: try Self.readFolder(files.checkpoint(bytes, as: "config.json"))
    case .tokenizer: try Self.readTokenizer(files.put(bytes, "tokenizer.json"))
    case .run: _ = try RunDocument(bytes: bytes).resolvedYAML()
    case .plan: try Self.readPlan(files.put(bytes, "plan.json"))
    case .scores: _ = try ScoreTable(contentsOfFile: files.put(bytes, "scores.safetensors"))
    case .gates: _ = try GateValues(contentsOfFile: files.put(bytes, "gates.safetensors"))
    case .state: _ = try SavedState(contentsOfFile: files.put(bytes, "state.safetensors"))
    case .runState: _ = RunState(json: bytes)
    case .metrics: _ = try TrainingStep.read(contentsOfFile: files.put(bytes, "metrics.jsonl"))
    case .report: _ = try RunReport(json: bytes)
    case .frame: try Self.readFrame(bytes)
    case .text: try Self.readText(files.put(bytes, "text.txt"))
    case .jsonLines: try Self.readText(files.put(bytes, "text.jsonl"))
    case .json: try Self.readText(files.put(bytes, "text.json"))
    case .gzip: try Self.readText(files.put(bytes, "text.jsonl.gz"))
    case .zstandard: try Self.readText(files.put(bytes, "text.txt.zst"))
    }
  }

  /// Whether an error is one that a user may see for bad input: ours, and one line that says something.
  static func isExpected(_ error: any Error) -> Bool {
    let isOurs =
      error is ArtifactError || error is CalibrationError || error is CheckpointError || error is CommunicationError
      || error is RunDocumentError || error is SafetensorsError || error is StorageError || error is TokenizerError
    let line = "\(error)"
    return isOurs && !line.isEmpty && !line.contains(where: \.isNewline)
  }
}
