/// What an unfinished run has done so far: state/run.json in its run folder, from the start of a verb until its end.
///
/// It tells what the verb's result depends on, so that a run that would come to something else is not mixed with it, and
/// which phases are over, with the checksums of the files they left.
public struct RunState: Codable, Sendable, Equatable {
  /// One thing that the result depends on: a key of the document and its value, or an input and its hash.
  public struct Entry: Codable, Sendable, Equatable {
    public var name: String
    public var value: String
    /// The files of an input, for messages: what they hold counts, not what they are called.
    public var files: [String]?

    public init(name: String, value: String, files: [String]? = nil) {
      self.name = name
      self.value = value
      self.files = files
    }

    /// The input in messages.
    var label: String { ([name] + (files ?? [])).joined(separator: " ") }
  }

  /// A phase that is over.
  public struct Phase: Codable, Sendable, Equatable {
    /// Such as `evaluate dense`, `score 2/3`, `tune`.
    public var name: String
    /// SHA-256 of the files that it left in the run folder, by their paths in it.
    public var files: [String: String]
    /// SHA-256 of the files that it left in the output folder, by their names; empty for most.
    public var outputFiles: [String: String]
    /// What it measured.
    public var numbers: [Double]

    public init(name: String, files: [String: String], outputFiles: [String: String], numbers: [Double]) {
      self.name = name
      self.files = files
      self.outputFiles = outputFiles
      self.numbers = numbers
    }
  }

  /// The verb that runs, such as `prune`.
  public var verb: String
  /// The version of Espalier.
  public var version: String
  /// The document's keys that change the result, in the documented order.
  public var keys: [Entry]
  /// What was read: model, texts, and artifacts of other verbs.
  public var inputs: [Entry]
  /// How many times the run was continued.
  public var resumed = 0
  /// In the order in which they ended.
  public var phases: [Phase] = []
  /// What is to be reported of them.
  public var report: RunReport?

  public init(verb: String, version: String, keys: [Entry], inputs: [Entry]) {
    self.verb = verb
    self.version = version
    self.keys = keys
    self.inputs = inputs
  }

  /// The phase of that name, if it is over.
  public func phase(_ name: String) -> Phase? { phases.first { $0.name == name } }

  /// Notes the end of a phase. A file that an earlier phase left is this one's now, if it was written again.
  public mutating func finish(_ phase: Phase) {
    phases.removeAll { $0.name == phase.name }
    for index in phases.indices {
      phases[index].files = phases[index].files.filter { phase.files[$0.key] == nil }
      phases[index].outputFiles = phases[index].outputFiles.filter { phase.outputFiles[$0.key] == nil }
    }
    phases.append(phase)
  }

  /// Forgets a phase and those after it, which were made from what it left.
  public mutating func forget(from name: String) {
    if let index = phases.firstIndex(where: { $0.name == name }) { phases.removeSubrange(index...) }
  }

  /// The first thing in which a run that is to come to `other` differs from this one, in words; nil when it goes on.
  public func difference(to other: RunState) -> String? {
    if verb != other.verb { return "not of `\(other.verb)`" }
    let old = Dictionary(keys.map { ($0.name, $0.value) }) { first, _ in first }
    for key in other.keys where old[key.name] != key.value {
      return "but \(key.name) was \(old[key.name] ?? "unknown") and is now \(key.value)"
    }
    let known = Dictionary(inputs.map { ($0.name, $0.value) }) { first, _ in first }
    for input in other.inputs where known[input.name] != input.value {
      func short(_ hash: String?) -> String { hash.flatMap { $0.isEmpty ? nil : String($0.prefix(8)) } ?? "nothing" }
      return "but \(input.label) has changed since (SHA-256 \(short(known[input.name])), now \(short(input.value)))"
    }
    if version != other.version { return "but of espalier \(version), not \(other.version)" }
    return keys.count == other.keys.count && inputs.count == other.inputs.count ? nil : "but of another document"
  }
}

/// Its file.
extension RunState {
  private static let format = "run-1"
  /// A file beyond this is none of ours: a layer takes about 200 bytes.
  public static let largestFile = RunReport.maximumBytes

  /// The state in a file's bytes; nil when they are damaged or of another version.
  public init?(json: [UInt8]) {
    guard let state = SealedJSON<RunState>.content(of: json, format: Self.format, largestFile: Self.largestFile) else {
      return nil
    }
    self = state
  }

  /// The file's bytes.
  ///
  /// - Throws: ``ArtifactError`` should it have no JSON.
  public func json() throws(ArtifactError) -> [UInt8] { try SealedJSON.bytes(self, format: Self.format) }
}
