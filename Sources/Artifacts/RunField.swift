/// One key of the run document: a row of the schema.
struct RunField: Sendable {
  /// The dotted key, such as `allocation.sparsity`.
  let key: String
  /// The default as the tables of keys show it.
  let defaultText: String
  /// One line: what the key means.
  let explanation: String
  /// What is allowed, as the end of "expected …".
  let expected: String
  /// The first result that the key has a part in; `nil` when it changes none.
  let result: RunResult?
  /// Whether the value names files of text, whose contents are hashed by themselves.
  var namesText: Bool { expected.contains(RunDocument.textFile) }
  /// Whether a list is allowed.
  let takesList: Bool
  /// Reads a value into the document.
  let read: @Sendable (RunValue, RunEnvironment, inout RunDocument) throws(RunValueProblem) -> Void
  /// The document's value as YAML.
  let text: @Sendable (RunDocument) -> RunText

  /// A row for the property `path`, whose values are of the kind `type`.
  init<Value: Sendable>(
    _ key: String, _ path: any WritableKeyPath<RunDocument, Value> & Sendable, _ type: RunValueType<Value>,
    default defaultText: String, changes result: RunResult?, _ explanation: String
  ) {
    self.key = key
    self.defaultText = defaultText
    self.explanation = explanation
    self.result = result
    expected = type.expected
    takesList = type.takesList
    read = { value, environment, document throws(RunValueProblem) in
      document[keyPath: path] = try type.read(value, environment)
    }
    text = { document in type.text(document[keyPath: path]) }
  }

  /// The section, or the empty text at top level.
  var section: String { key.split(separator: ".").dropLast().first.map(String.init) ?? "" }

  /// The key inside its section.
  var name: String { key.split(separator: ".").last.map(String.init) ?? key }
}

/// What a run makes, in the order in which it makes it. A key that changes one changes those after it.
public enum RunResult: Int, Sendable, CaseIterable, Comparable {
  /// scores.safetensors.
  case scores
  /// plan.json.
  case plan
  /// gates.safetensors.
  case gates
  /// The pruned model's folder.
  case checkpoint
  /// report.json.
  case report

  public static func < (left: RunResult, right: RunResult) -> Bool { left.rawValue < right.rawValue }
}
