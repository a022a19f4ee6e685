extension PreTokenizer {
  /// Steps in a file, at most; the deepest published tokenizer has five.
  private static let maximumSteps = 32

  /// The steps that `pre_tokenizer` describes, sequences flattened; the last one is the only `byteLevel`.
  static func steps(_ node: JSONNode?, file: TokenizerFile) throws(TokenizerError) -> [PreTokenizer] {
    guard let node else { throw file.unsupported("pre_tokenizer", "a tokenizer without one") }
    var steps: [PreTokenizer] = []
    try append(node, to: &steps)
    for (index, step) in steps.enumerated() {
      guard case .byteLevel = step else { continue }
      guard index == steps.count - 1 else { throw file.unsupported(node.key, "a step after ByteLevel") }
      return steps
    }
    throw file.unsupported(node.key, "pre-tokenization without ByteLevel")
  }

  private static func append(_ node: JSONNode, to steps: inout [PreTokenizer]) throws(TokenizerError) {
    guard steps.count < maximumSteps else { throw node.file.invalid(node.key, "more than \(maximumSteps) steps") }
    let type = try node.required("type").bytes()
    switch String(decoding: type, as: UTF8.self) {
    case "Sequence":
      for element in try node.required("pretokenizers").elements() { try append(element, to: &steps) }
    case "Digits":
      steps.append(.digits(individual: try node.bool("individual_digits", default: false)))
    case "Split":
      steps.append(try split(node))
    case "ByteLevel":
      let usesPattern = try node.bool("use_regex", default: true)
      steps.append(
        .byteLevel(
          addPrefixSpace: try node.bool("add_prefix_space", default: true),
          pattern: usesPattern ? try Pattern(gpt2Pattern, key: node.key, file: node.file) : nil))
    default:
      throw node.file.unsupported(node.key, "the pre-tokenizer \(quoted(type))")
    }
  }

  private static func split(_ node: JSONNode) throws(TokenizerError) -> PreTokenizer {
    let pattern = try node.required("pattern")
    let name = try node.required("behavior")
    guard let behavior = SplitBehavior(rawValue: try name.string()) else {
      throw node.file.invalid(name.key, "\(quoted(try name.bytes())) is not a behavior of Split")
    }
    let invert = try node.bool("invert", default: false)
    if let regex = try pattern.optional("Regex") {
      return .split(try Pattern(try regex.string(), key: regex.key, file: node.file), behavior, invert: invert)
    }
    let literal = try pattern.required("String")
    var escaped = ""
    for scalar in try literal.string().unicodeScalars {
      let isSpecial = scalar.isASCII && !scalar.properties.isAlphabetic && !("0"..."9").contains(scalar)
      escaped += isSpecial && scalar.value > 0x20 ? "\\\(scalar)" : String(scalar)
    }
    return .split(try Pattern(escaped, key: literal.key, file: node.file), behavior, invert: invert)
  }
}
