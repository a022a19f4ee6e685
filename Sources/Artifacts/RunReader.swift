/// Walks parsed values along the schema and puts them into a document.
struct RunReader {
  /// What errors call the document.
  let name: String
  let environment: RunEnvironment

  /// Reads one `key: value` of `section` (the empty text: top level).
  func read(_ pair: LocatedRunPair, section: String, into document: inout RunDocument) throws(RunDocumentError) {
    let key = section.isEmpty ? pair.key : section + "." + pair.key
    let origin = "\(name):\(pair.value.line):\(pair.value.column)"
    if section.isEmpty, RunDocument.sections.contains(where: { $0.name == pair.key }) {
      switch pair.value.value {
      case .null: return  // A section whose lines are all commented out.
      case .mapping(let pairs):
        for inner in pairs { try read(inner, section: pair.key, into: &document) }
      default:
        throw RunDocumentError(
          .invalidValue,
          "\(origin): \(key): found \(pair.value.value.found), expected the keys \(Self.names(in: key))")
      }
      return
    }
    // A dot in a key would otherwise reach another section's field.
    guard !pair.key.contains("."), let field = RunDocument.schema.first(where: { $0.key == key }) else {
      throw unknown(pair.key, section: section, origin: "\(name):\(pair.line):\(pair.column)")
    }
    try read(pair.value.value, of: field, origin: origin, into: &document)
  }

  /// Reads a flag.
  func read(_ override: RunOverride, into document: inout RunDocument) throws(RunDocumentError) {
    guard let field = RunDocument.schema.first(where: { $0.key == override.key }) else {
      if RunDocument.sections.contains(where: { $0.name == override.key }) {
        throw RunDocumentError(
          .unknownKey,
          "\(override.source): \(override.key) is a section; set one of its keys: \(Self.names(in: override.key))")
      }
      let parts = override.key.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
      let isInSection = parts.count == 2 && RunDocument.sections.contains { $0.name == parts[0] }
      throw unknown(
        isInSection ? String(parts[1]) : override.key, section: isInSection ? String(parts[0]) : "",
        origin: override.source)
    }
    let values = override.values.map { LocatedRunValue(value: .literal($0), line: 1, column: 1) }
    if !field.takesList, values.count != 1 {
      throw RunDocumentError(
        .invalidValue, "\(override.source): \(field.key): found \(values.count) values, expected one, \(field.expected)"
      )
    }
    let isNull = field.takesList && override.values == ["null"]
    let value = isNull ? .null : field.takesList ? .list(values) : values.first?.value ?? .null
    try read(value, of: field, origin: override.source, into: &document)
  }

  private func read(
    _ value: RunValue, of field: RunField, origin: String, into document: inout RunDocument
  ) throws(RunDocumentError) {
    do throws(RunValueProblem) {
      try field.read(value, environment, &document)
    } catch {
      var place = origin
      if let element = error.element, origin.hasPrefix(name + ":") {
        place = "\(name):\(element.line):\(element.column)"
      }
      throw RunDocumentError(
        .invalidValue, "\(place): \(field.key): found \(error.found), expected \(error.expected)")
    }
    document.origins[field.key] = origin
  }

  private func unknown(_ word: String, section: String, origin: String) -> RunDocumentError {
    let candidates = RunDocument.keyNames(in: section)
    let hint: String
    if let nearest = NearestName.nearest(to: word, in: candidates) {
      hint = "(did you mean \"\(nearest)\"?)"
    } else if let other = RunDocument.schema.first(where: { $0.name == word }) {
      hint = "(did you mean \"\(other.key)\"?)"
    } else if let name = NearestName.nearest(to: word, in: RunDocument.schema.map(\.name)),
      let other = RunDocument.schema.first(where: { $0.name == name })
    {
      hint = "(did you mean \"\(other.key)\"?)"
    } else {
      hint = "(its keys: \(candidates.joined(separator: ", ")))"
    }
    let place = section.isEmpty ? "at top level" : "in \(section)"
    return RunDocumentError(
      .unknownKey, "\(origin): unknown key \"\(RunValue.shortened(word))\" \(place) \(hint)")
  }

  private static func names(in section: String) -> String {
    RunDocument.keyNames(in: section).joined(separator: ", ")
  }
}

extension RunDocument {
  /// The keys of `section`; at top level the sections too.
  static func keyNames(in section: String) -> [String] {
    schema.filter { $0.section == section }.map(\.name) + (section.isEmpty ? sections.map(\.name) : [])
  }
}
