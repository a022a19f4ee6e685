internal import Foundation

extension RunDocument {
  /// The document in `yaml`.
  ///
  /// - Parameters:
  ///   - yaml: The text, at most ``maximumBytes`` of UTF-8.
  ///   - name: What errors call it.
  ///   - overrides: Flags that stand above the document; only both together must make sense.
  ///   - environment: The home and current folder.
  /// - Throws: ``RunDocumentError`` with `name:LINE:COLUMN`, the dotted key, what was found and what is allowed.
  public init(
    yaml: String, name: String = "run.yaml", overrides: [RunOverride] = [], environment: RunEnvironment = .process
  ) throws(RunDocumentError) {
    guard yaml.utf8.count <= Self.maximumBytes else { throw Self.tooLarge(name) }
    self.init(unresolvedModel: "")
    guard let root = try RunYAML(text: yaml, name: name).parse() else {
      throw RunDocumentError(.missingKey, "\(name): empty; a run document needs at least the line \"model: FOLDER\"")
    }
    guard case .mapping(let pairs) = root.value else {
      throw RunDocumentError(
        .invalidValue,
        "\(name):\(root.line):\(root.column): found \(root.value.found) at the top, expected keys such as \"model: FOLDER\""
      )
    }
    let reader = RunReader(name: name, environment: environment)
    for pair in pairs { try reader.read(pair, section: "", into: &self) }
    for override in overrides { try reader.read(override, into: &self) }
    try resolve(name: name, environment: environment)
  }

  /// The document in the bytes of a file, such as one rank sent to another.
  ///
  /// - Throws: ``RunDocumentError``, also for bytes that are not UTF-8.
  public init(
    bytes: [UInt8], name: String = "run.yaml", overrides: [RunOverride] = [], environment: RunEnvironment = .process
  ) throws(RunDocumentError) {
    guard bytes.count <= Self.maximumBytes else { throw Self.tooLarge(name) }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      let line = Self.firstInvalidLine(bytes)
      throw RunDocumentError(.syntax, "\(name):\(line):1: this line is not UTF-8; save the file as UTF-8")
    }
    try self.init(yaml: text, name: name, overrides: overrides, environment: environment)
  }

  /// The bytes of the file at `path`, which errors call `path` too: read once, by one rank, for all.
  ///
  /// - Throws: ``RunDocumentError`` when the file cannot be read or is larger than ``maximumBytes``.
  public static func bytes(ofFile path: String) throws(RunDocumentError) -> [UInt8] {
    let data: Data?
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? handle.close() }
      data = try handle.read(upToCount: maximumBytes + 1)
    } catch {
      throw RunDocumentError(.unreadable, "\(path): \(reason(error)); name a readable YAML file")
    }
    guard let data else { return [] }
    guard data.count <= maximumBytes else { throw tooLarge(path) }
    return [UInt8](data)
  }

  private static func reason(_ error: any Error) -> String {
    switch (error as? CocoaError)?.code {
    case .fileNoSuchFile, .fileReadNoSuchFile: "there is no such file"
    case .fileReadNoPermission: "no permission to read it"
    default: "not a file that can be read"
    }
  }

  private static func tooLarge(_ name: String) -> RunDocumentError {
    RunDocumentError(.tooLarge, "\(name): larger than 1 MB; a run document has a few dozen lines")
  }

  private static func firstInvalidLine(_ bytes: [UInt8]) -> Int {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0) + 1
  }
}
