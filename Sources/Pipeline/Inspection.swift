internal import Tensors
internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Checkpoints
internal import Foundation
internal import Tokenizers

/// What a model folder holds: for people, and as JSON.
public struct Inspection {
  private let model: Model
  /// Tokens of the tokenizer; nil without a usable one.
  private let tokenizerSize: Int?
  /// Why there is no usable tokenizer.
  private let tokenizerProblem: String

  /// Opens and checks a folder.
  ///
  /// - Throws: ``CheckpointError``.
  public init(path: String) throws {
    model = try Model(path: path)
    let file = path + "/tokenizer.json"
    guard FileManager.default.fileExists(atPath: file) else {
      (tokenizerSize, tokenizerProblem) = (nil, "none (no tokenizer.json): only texts as input_ids can be used")
      return
    }
    do throws(TokenizerError) {
      (tokenizerSize, tokenizerProblem) = (try Tokenizer(contentsOfFile: file).vocabularySize, "")
    } catch {
      (tokenizerSize, tokenizerProblem) = (nil, "not usable: \(error.message)")
    }
  }

  private struct Facts {
    var rows: [(label: String, key: String, value: JSONValue, text: String)]
  }

  /// A table for people.
  public var text: String {
    let rows = facts.rows
    let width = rows.map(\.label.count).max() ?? 0
    return rows.map { $0.label.padding(toLength: width + 2, withPad: " ", startingAt: 0) + $0.text }
      .joined(separator: "\n")
  }

  /// The same as one JSON object.
  public var json: String {
    get throws {
      JSONValue.object(Dictionary(uniqueKeysWithValues: facts.rows.map { ($0.key, $0.value) })).prettyText
    }
  }

  private var facts: Facts {
    let blueprint = model.blueprint
    let prunable = blueprint.prunableLayers
    let attention = prunable.reduce(0) { $0 + $1.attentionUnits * $1.attentionParametersPerUnit }
    let mlp = prunable.reduce(0) { $0 + $1.mlpUnits * $1.mlpParametersPerUnit }
    let types = Set(model.folder.tensors.values.map(\.elementType.safetensorsName)).sorted()
    var rows: [(label: String, key: String, value: JSONValue, text: String)] = []
    func add(_ label: String, _ key: String, _ value: Int, _ text: String? = nil) {
      rows.append((label, key, .integer(Int64(value)), text ?? TableNumber.grouped(value)))
    }
    func add(_ label: String, _ key: String, _ text: String) { rows.append((label, key, .string(text), text)) }
    add("model", "model", model.folder.path)
    add("model type", "model_type", blueprint.modelType)
    add("parameters", "parameters", model.parameterCount)
    add("size", "bytes", model.folder.totalBytes, ByteSize(bytes: model.folder.totalBytes).rounded)
    rows.append(("element types", "element_types", .array(types.map { .string($0) }), types.joined(separator: ", ")))
    add("files", "files", model.folder.files.count)
    add("vocabulary", "vocabulary_size", blueprint.vocabularySize)
    add("hidden size", "hidden_size", blueprint.hiddenSize)
    add("layers", "layers", blueprint.layers.count)
    for (label, key, units) in [
      ("key-value heads", "key_value_heads", prunable.map(\.attentionUnits)),
      ("neurons", "neurons", prunable.map(\.mlpUnits)),
    ] { rows.append((label, key, .array(units.map { .integer(Int64($0)) }), Self.range(units))) }
    let isTied = blueprint.head.isTied
    rows.append(("tied embeddings", "tied_embeddings", .bool(isTied), isTied ? "yes" : "no"))
    add("prunable parameters", "prunable_parameters", attention + mlp)
    let ratio = attention > 0 ? Double(mlp) / Double(attention) : 0
    rows.append(("MLP to attention", "gamma", .number(ratio), String(format: "%.3f (the default gamma)", ratio)))
    rows.append(
      (
        "tokenizer", "tokenizer_size", tokenizerSize.map { .integer(Int64($0)) } ?? .null,
        tokenizerSize.map { TableNumber.grouped($0) + " tokens" } ?? tokenizerProblem
      ))
    add("hash", "hash", model.folder.modelHash())
    if !model.warnings.isEmpty {
      rows.append(
        (
          "warnings", "warnings", .array(model.warnings.map { .string($0) }), model.warnings.joined(separator: "; ")
        ))
    }
    return Facts(rows: rows)
  }

  /// `3`, or `1 to 3` where layers differ.
  private static func range(_ values: [Int]) -> String {
    guard let low = values.min(), let high = values.max() else { return "none" }
    return (low == high ? TableNumber.grouped(low) : "\(TableNumber.grouped(low)) to \(TableNumber.grouped(high))")
      + " per layer, \(TableNumber.grouped(values.reduce(0, +))) in all"
  }
}
