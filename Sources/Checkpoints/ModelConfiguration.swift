internal import Tensors

/// A model's config.json, or an object inside it, read by key.
///
/// A key whose value is `null` counts as absent, as it does in transformers. Every error names the file and the key.
public struct ModelConfiguration: Sendable, Equatable {
  /// The file that it was read from, for messages.
  public let path: String
  /// The members as they stand in the file.
  public let object: [String: JSONValue]
  /// What may surprise, one line each: keys that stand twice in the file with different values.
  public let warnings: [String]
  /// What leads to this object in the file, such as `rope_parameters.`; empty for the file's own object.
  private let prefix: String

  /// Reads a config.json.
  ///
  /// - Throws: ``CheckpointError`` when the file cannot be read or is no JSON object.
  public init(path: String) throws(CheckpointError) {
    var repeated = [String]()
    let value = try JSONValue(contentsOf: path, repeated: &repeated)
    guard let object = value.objectValue else {
      throw CheckpointError(
        .invalidJSON, "\(path): found \(value.kind), not an object; put the model's own file there")
    }
    let warnings = Set(repeated).sorted().map {
      "\(path): key \(OneLine.quoted($0)) stands twice with different values; the last one counts, as in Python"
    }
    self.init(object: object, path: path, prefix: "", warnings: warnings)
  }

  public init(object: [String: JSONValue], path: String) {
    self.init(object: object, path: path, prefix: "", warnings: [])
  }

  private init(object: [String: JSONValue], path: String, prefix: String, warnings: [String]) {
    self.warnings = warnings
    self.object = object
    self.path = path
    self.prefix = prefix
  }

  /// The whole object as a value, to be changed and written.
  public var value: JSONValue { .object(object) }

  /// The value under `key`; nil where it is absent or null.
  public subscript(key: String) -> JSONValue? {
    guard let value = object[key], !value.isNull else { return nil }
    return value
  }

  /// The value under `key`.
  ///
  /// - Throws: ``CheckpointError`` when it is absent or null.
  public func require(_ key: String) throws(CheckpointError) -> JSONValue {
    guard let value = self[key] else {
      throw CheckpointError(
        .missingKey, "\(path): key \(name(key)) is missing; check that the file is the model's own, or add the key")
    }
    return value
  }

  /// The failure of a value that is there but cannot be used: `PATH: key "KEY" is VALUE; REASON`.
  public func invalid(_ key: String, _ reason: String) -> CheckpointError {
    CheckpointError(.invalidValue, "\(path): key \(name(key)) is \(self[key]?.kind ?? "missing"); \(reason)")
  }

  /// A key of this object in quotation marks, with what leads to it, for messages.
  public func name(_ key: String) -> String { OneLine.quoted(prefix + key) }
}

/// Typed reading. Each throws ``CheckpointError`` when the value has another type, and the non-optional forms also when it
/// is absent.
extension ModelConfiguration {
  public func optionalInteger(_ key: String) throws(CheckpointError) -> Int? {
    try optional(key, "an integer", \.integerValue)
  }

  public func integer(_ key: String) throws(CheckpointError) -> Int {
    _ = try require(key)
    return try required(key, optionalInteger(key))
  }

  /// An integer of 1 or more, and small enough (2⁴⁰) that products of a few of them are worth checking.
  public func optionalPositiveInteger(_ key: String) throws(CheckpointError) -> Int? {
    guard let value = try optionalInteger(key) else { return nil }
    guard (1...(1 << 40)).contains(value) else { throw invalid(key, "it must be a positive integer") }
    return value
  }

  public func positiveInteger(_ key: String) throws(CheckpointError) -> Int {
    _ = try require(key)
    return try required(key, optionalPositiveInteger(key))
  }

  /// A finite number, whole or not.
  public func optionalNumber(_ key: String) throws(CheckpointError) -> Double? {
    guard let value = try optional(key, "a number", \.numberValue) else { return nil }
    guard value.isFinite else { throw invalid(key, "it must be a finite number") }
    return value
  }

  public func number(_ key: String) throws(CheckpointError) -> Double {
    _ = try require(key)
    return try required(key, optionalNumber(key))
  }

  public func optionalBool(_ key: String) throws(CheckpointError) -> Bool? {
    try optional(key, "true or false", \.boolValue)
  }

  public func bool(_ key: String) throws(CheckpointError) -> Bool {
    _ = try require(key)
    return try required(key, optionalBool(key))
  }

  public func optionalString(_ key: String) throws(CheckpointError) -> String? {
    try optional(key, "a string", \.stringValue)
  }

  public func string(_ key: String) throws(CheckpointError) -> String {
    _ = try require(key)
    return try required(key, optionalString(key))
  }

  /// A list of strings, such as `architectures`.
  public func optionalStrings(_ key: String) throws(CheckpointError) -> [String]? {
    guard let values = try optional(key, "a list of strings", \.arrayValue) else { return nil }
    let strings = values.compactMap(\.stringValue)
    guard strings.count == values.count else { throw invalid(key, "it must be a list of strings") }
    return strings
  }

  /// An object such as `rope_parameters`, whose errors name the way to it.
  public func optionalObject(_ key: String) throws(CheckpointError) -> ModelConfiguration? {
    guard let object = try optional(key, "an object", \.objectValue) else { return nil }
    return ModelConfiguration(object: object, path: path, prefix: prefix + key + ".", warnings: [])
  }

  public func object(_ key: String) throws(CheckpointError) -> ModelConfiguration {
    _ = try require(key)
    return try required(key, optionalObject(key))
  }

  private func optional<Value>(
    _ key: String, _ wanted: String, _ read: (JSONValue) -> Value?
  ) throws(CheckpointError) -> Value? {
    guard let value = self[key] else { return nil }
    guard let result = read(value) else { throw invalid(key, "it must be \(wanted)") }
    return result
  }

  private func required<Value>(_ key: String, _ value: Value?) throws(CheckpointError) -> Value {
    guard let value else { throw invalid(key, "it must be given") }
    return value
  }
}
