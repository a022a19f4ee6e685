/// The ids put before and behind a text's own when special tokens are asked for.
struct PostProcessor: Sendable {
  /// What a template inserts: special tokens, or the text's ids.
  enum Piece: Sendable {
    case ids([Int32])
    case text
  }

  /// Ids that a template may add to a text, at most.
  private static let maximumAdded = 1 << 16

  /// Templates, the first applied first; the result of one is the text of the next.
  private(set) var templates: [[Piece]] = []

  /// Reads `post_processor`: nothing, `ByteLevel` (which changes offsets only), `TemplateProcessing`, or a sequence.
  init(_ node: JSONNode?) throws(TokenizerError) {
    guard let node else { return }
    let type = try node.required("type").bytes()
    switch String(decoding: type, as: UTF8.self) {
    case "ByteLevel": break
    case "TemplateProcessing": templates = [try Self.template(node)]
    case "Sequence":
      for element in try node.required("processors").elements() {
        templates += try PostProcessor(element).templates
      }
    default: throw node.file.unsupported(node.key, "the post-processor \(quoted(type))")
    }
  }

  private static func template(_ node: JSONNode) throws(TokenizerError) -> [Piece] {
    var pieces: [Piece] = []
    var added = 0
    for element in try node.required("single").elements() {
      if let sequence = try element.optional("Sequence") {
        let id = try sequence.required("id")
        guard try id.string() == "A" else {
          throw node.file.invalid(id.key, "a template of one text has no sequence \(quoted(try id.bytes()))")
        }
        guard !pieces.contains(where: { if case .text = $0 { true } else { false } }) else {
          throw node.file.unsupported(element.key, "a template that repeats the text")
        }
        pieces.append(.text)
        continue
      }
      let name = try element.required("SpecialToken").required("id")
      let tokens = try node.required("special_tokens").members()
      let bytes = try name.bytes()
      guard let token = tokens.last(where: { $0.key == bytes }) else {
        throw node.file.invalid(name.key, "\(quoted(bytes)) is not among special_tokens")
      }
      let key = "\(node.key).special_tokens.\(String(decoding: bytes.prefix(40), as: UTF8.self))"
      let special = JSONNode(value: token.value, key: key, file: node.file)
      var ids: [Int32] = []
      for id in try special.required("ids").elements() { ids.append(try id.tokenID()) }
      added += ids.count
      guard added <= maximumAdded else { throw node.file.invalid(node.key, "adds more than \(maximumAdded) tokens") }
      pieces.append(.ids(ids))
    }
    return pieces
  }

  /// `ids` with the special tokens of every template.
  func callAsFunction(_ ids: [Int32]) -> [Int32] {
    templates.reduce(ids) { text, template in
      template.flatMap { piece in
        switch piece {
        case .ids(let ids): ids
        case .text: text
        }
      }
    }
  }
}
