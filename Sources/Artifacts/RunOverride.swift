/// A value from the command line that stands above the document's.
public struct RunOverride: Sendable, Equatable {
  /// The dotted key, such as `allocation.sparsity`.
  public let key: String
  /// The value: one text, taken as it is (no YAML quotes); several for a key that takes a list.
  public let values: [String]
  /// What errors call it: the flag with its value.
  public let source: String

  /// An override of `key` by `value`, called `source`, by default `--set KEY=VALUE`.
  public init(key: String, value: String, source: String? = nil) {
    self.init(key: key, values: [value], source: source)
  }

  /// An override of `key` by a list of values, called `source`, by default `--set KEY=VALUE,…`.
  public init(key: String, values: [String], source: String? = nil) {
    self.key = key
    self.values = values
    self.source = RunValue.shortened(source ?? "--set \(key)=\(values.joined(separator: ","))")
  }

  /// The override in `KEY=VALUE`, the argument of `--set`; of a key that takes a list also `KEY=[VALUE, VALUE]`.
  ///
  /// - Throws: ``RunDocumentError`` when there is no `=`, or nothing before it.
  public init(assignment: String) throws(RunDocumentError) {
    guard let equals = assignment.firstIndex(of: "="), equals > assignment.startIndex else {
      throw RunDocumentError(
        .invalidValue, "--set \(RunValue.shortened(assignment)): expected KEY=VALUE, such as allocation.sparsity=0.4")
    }
    let (key, value) = (String(assignment[..<equals]), assignment[assignment.index(after: equals)...])
    let takesList = RunDocument.schema.contains { $0.key == key && $0.takesList }
    guard takesList, value.hasPrefix("["), value.hasSuffix("]"), value.count > 1 else {
      self.init(key: key, value: String(value))
      return
    }
    let inside = value.dropFirst().dropLast()
    let elements = inside.isEmpty ? [] : inside.split(separator: ",", omittingEmptySubsequences: false)
    self.init(
      key: key, values: elements.map { String($0.trimmingPrefix { $0 == " " }) }, source: "--set \(assignment)")
  }
}

extension RunDocument {
  /// This document with `overrides`, checked like the document itself. Of several for one key the last counts; defaults
  /// that depend on other keys follow them, unless they were given.
  ///
  /// - Throws: ``RunDocumentError`` that names the override's source.
  public func applying(
    _ overrides: [RunOverride], environment: RunEnvironment = .process
  ) throws(RunDocumentError) -> RunDocument {
    var document = self
    let reader = RunReader(name: "run.yaml", environment: environment)
    for override in overrides { try reader.read(override, into: &document) }
    try document.resolve(name: "run.yaml", environment: environment)
    return document
  }
}
