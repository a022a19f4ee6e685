internal import Checkpoints
package import Architectures
package import Artifacts
internal import Blueprints
internal import Calibration
internal import Communication
package import Evaluation
internal import Foundation
internal import Safetensors
internal import Tensors
internal import Tokenizers

/// Texts and token files as the sequences and windows that a model takes.
package struct TextReader {
  private let model: Model

  package init(_ model: Model) { self.model = model }

  /// Calibration sequences: text files are tokenized with the model's own tokenizer and cut; of several, each gives its
  /// part. A .safetensors file has them as `input_ids`, in its own order.
  package func sequences(_ calibration: RunDocument.CalibrationSection) throws -> [[Int32]] {
    let tokenized = calibration.text.filter { $0.hasSuffix(".safetensors") }
    guard tokenized.isEmpty else {
      guard calibration.text.count == 1 else {
        throw CalibrationError(
          .invalidArgument, "calibration.text: \(tokenized[0]) holds token ids, and then has to be the only file")
      }
      let sequences = try inputIDs(tokenized[0]).ids
      guard sequences.count >= calibration.sequences else {
        throw CalibrationError(
          .tooFewTokens,
          "\(tokenized[0]): \(sequences.count) sequences, not \(calibration.sequences); ask for fewer "
            + "(calibration.sequences)")
      }
      return Array(sequences.prefix(calibration.sequences))
    }
    let tokenizer = try tokenizer()
    guard calibration.sequences >= calibration.text.count else {
      throw CalibrationError(
        .invalidArgument,
        "calibration.sequences: \(calibration.sequences) is fewer than the \(calibration.text.count) texts; each gives "
          + "at least one")
    }
    return try calibration.text.enumerated().flatMap { index, path in
      let count = Partition(ranks: calibration.text.count).block(of: calibration.sequences, rank: index).count
      let sequences = try TokenSequences(
        TextSource(path: path), tokenizer: tokenizer, length: calibration.length, sequences: count,
        seed: calibration.seed, addSpecialTokens: calibration.specialTokens)
      return try checked(sequences.ids, of: path).ids
    }
  }

  /// Evaluation windows over a text, or over the sequences of a .safetensors file laid end to end.
  package func windows(_ evaluation: RunDocument.EvaluationSection, text: String) throws -> [EvaluationWindow] {
    let ids: [Int32]
    if text.hasSuffix(".safetensors") {
      ids = try inputIDs(text).ids.flatMap { $0 }
    } else {
      // With a limit only the beginning of a text is read.
      let limit = evaluation.limit.map { ($0 - 1) * evaluation.stride + evaluation.window }
      ids = try TokenSequences.tokens(
        of: TextSource(path: text), tokenizer: try tokenizer(), limit: limit,
        addSpecialTokens: evaluation.specialTokens)
    }
    let windows = try named(text) { () throws(CalibrationError) in
      try Windows.over(
        tokens: ids.count, window: evaluation.window, stride: evaluation.stride, limit: evaluation.limit)
    }
    if let limit = evaluation.limit, windows.count < limit {
      throw CalibrationError(
        .tooFewTokens,
        "\(text): \(ids.count) tokens make \(windows.count) windows of \(evaluation.window), not \(limit); lower "
          + "evaluation.limit or give more text")
    }
    _ = try checked([ids], of: text)
    return windows.map { window in
      EvaluationWindow(ids: Array(ids[window.start..<window.start + window.length]), scoredFrom: window.scoredFrom)
    }
  }

  /// A warning when sequences are longer than the model was made for.
  package func lengthWarnings(_ key: String, _ length: Int) -> [String] {
    guard let most = model.blueprint.maximumPositions, length > most else { return [] }
    return ["\(key) is \(length), but the model was made for \(most) positions (max_position_embeddings)"]
  }

  /// Sequences that the model can read.
  private func checked(_ sequences: [[Int32]], of path: String) throws(CalibrationError) -> TokenSequences {
    try named(path) { () throws(CalibrationError) in
      try TokenSequences(ids: sequences).checked(vocabularySize: model.blueprint.vocabularySize)
    }
  }

  /// What `body` gives, or its error with the file that it is about.
  private func named<Value>(
    _ path: String, _ body: () throws(CalibrationError) -> Value
  ) throws(CalibrationError) -> Value {
    do {
      return try body()
    } catch {
      throw CalibrationError(error.code, "\(path): \(error.message)")
    }
  }

  private func tokenizer() throws -> Tokenizer { try Tokenizer(contentsOfFile: model.folder.path + "/tokenizer.json") }

  private func inputIDs(_ path: String) throws -> TokenSequences {
    let tensor = try SafetensorsFile(path: path).tensor("input_ids")
    let dimensions = tensor.shape.dimensions
    guard dimensions.count == 2, dimensions[0] > 0, dimensions[1] > 0 else {
      throw CalibrationError(
        .invalidIDs, "\(path): input_ids has shape \(tensor.shape), not [sequence, token] with at least one of each")
    }
    let ids = try tensor.integers().map { id in
      guard let id = Int32(exactly: id) else {
        throw CalibrationError(.invalidIDs, "\(path): input_ids holds \(id), which no vocabulary has")
      }
      return id
    }
    let sequences = stride(from: 0, to: ids.count, by: dimensions[1]).map { Array(ids[$0..<$0 + dimensions[1]]) }
    return try checked(sequences, of: path)
  }
}
