internal import Checkpoints
package import Architectures
package import Artifacts
internal import Blueprints
internal import Calibration
package import Evaluation
internal import Foundation
internal import Safetensors
internal import Tensors
internal import Tokenizers

/// Texts and token files as the sequences and windows that a model takes.
package struct TextReader {
  let model: Model
  let notes = TextNotes()

  package init(_ model: Model) { self.model = model }

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
        addSpecialTokens: evaluation.specialTokens, note: notes.add)
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
  func checked(_ sequences: [[Int32]], of path: String) throws(CalibrationError) -> TokenSequences {
    try named(path) { () throws(CalibrationError) in
      try TokenSequences(ids: sequences).checked(vocabularySize: model.blueprint.vocabularySize)
    }
  }

  /// What `body` gives, or its error with the file that it is about.
  func named<Value>(
    _ path: String, _ body: () throws(CalibrationError) -> Value
  ) throws(CalibrationError) -> Value {
    do {
      return try body()
    } catch {
      throw CalibrationError(error.code, "\(path): \(error.message)")
    }
  }

  func tokenizer() throws -> Tokenizer { try Tokenizer(contentsOfFile: model.folder.path + "/tokenizer.json") }

  /// Sequences of a file of `input_ids`, `limit` of them drawn by the seed.
  func inputIDs(_ path: String, seed: UInt64, limit: Int) throws -> [[Int32]] {
    let ids = try inputIDs(path).ids
    var generator = SplitMix64(seed: seed)
    return generator.permutation(ids.count).prefix(limit).map { ids[$0] }
  }

  func inputIDs(_ path: String) throws -> TokenSequences {
    try TokenFile.requireThere(path)
    let file = try SafetensorsFile(path: path)
    let tensor = try file.tensor("input_ids")
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
    try TokenFile.requireUnchanged(file, ids: ids)
    let sequences = stride(from: 0, to: ids.count, by: dimensions[1]).map { Array(ids[$0..<$0 + dimensions[1]]) }
    return try checked(sequences, of: path)
  }
}
