internal import Tensors

/// The Python files that a tokenizer's or a processor's configuration names in its `auto_map`, such as
/// `{"AutoTokenizer": ["tokenization_own.OwnTokenizer", null]}`.
///
/// The code belongs to the tokens and stays true. What is named but not there, such as a file that was not saved with the model
/// or one in a repository (`"someone/model--tokenization_own.OwnTokenizer"`), is taken out.
struct NamedCode {
  /// The configuration without what it names in vain.
  private(set) var configuration: JSONValue
  /// Names of files in the folder, with those that they import from beside them.
  private(set) var files: Set<String> = []
  /// Whether everything named is there.
  private(set) var isWhole = true

  init(of configuration: JSONValue, in folder: CheckpointFolder) {
    self.configuration = configuration
    guard let map = configuration["auto_map"], !map.isNull else { return }
    // Older files have the tokenizer's list alone.
    var entries = map.objectValue ?? ["AutoTokenizer": map]
    for (key, value) in entries {
      let references = (value.arrayValue ?? [value]).filter { !$0.isNull }.map { $0.stringValue ?? "" }
      let modules = references.map { Self.file(of: $0, in: folder) }
      if !modules.isEmpty, modules.allSatisfy({ $0 != nil }) {
        files.formUnion(modules.compactMap(\.self))
      } else {
        entries[key] = nil
        isWhole = false
        if key == "AutoTokenizer" { replaceClass(namedBy: references, in: folder) }
      }
    }
    if !isWhole { self.configuration["auto_map"] = entries.isEmpty ? nil : .object(entries) }
    addImports(in: folder)
  }

  /// A tokenizer.json says all; the class that reads it without more is everywhere.
  private mutating func replaceClass(namedBy references: [String], in folder: CheckpointFolder) {
    guard let own = configuration["tokenizer_class"]?.stringValue,
      FolderListing.kind("\(folder.path)/tokenizer.json") == .file
    else { return }
    let classes = references.compactMap { $0.split(separator: ".").last.map(String.init) }
    if classes.contains(own) || classes.contains(own + "Fast") {
      configuration["tokenizer_class"] = "PreTrainedTokenizerFast"
    }
  }

  /// The file of `module.Class`; nil where it is none in the folder.
  private static func file(of reference: String, in folder: CheckpointFolder) -> String? {
    let parts = reference.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 2 ? file(ofModule: parts[0], in: folder) : nil
  }

  private static func file(ofModule module: Substring, in folder: CheckpointFolder) -> String? {
    let isName =
      !module.isEmpty
      && module.utf8.allSatisfy {
        $0 == 0x5F || UInt8(ascii: "0")...0x39 ~= $0
          || UInt8(ascii: "A")...0x5A ~= $0 || UInt8(ascii: "a")...0x7A ~= $0
      }
    let name = "\(module).py"
    return isName && FolderListing.kind("\(folder.path)/\(name)") == .file ? name : nil
  }

  /// `from .module import name` and `import .module`, as transformers looks for them.
  private mutating func addImports(in folder: CheckpointFolder) {
    var pending = files.sorted()
    while let name = pending.popLast() {
      guard let file = try? MappedFile(path: "\(folder.path)/\(name)"), file.size <= Self.mostBytes else { continue }
      let text = unsafe file.bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
      for line in text.split(whereSeparator: \.isNewline) {
        let words = line.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count >= 2, words[0] == "from" || words[0] == "import", words[1].hasPrefix(".") else { continue }
        let module = words[1].dropFirst().prefix { $0 != "." }
        if let found = Self.file(ofModule: module, in: folder), files.insert(found).inserted { pending.append(found) }
      }
    }
  }

  private static let mostBytes = 1 << 22
}
