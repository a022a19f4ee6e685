/// A byte-level BPE tokenizer, read from Hugging Face's tokenizer.json: text to token ids and back.
///
/// Gives, token for token, what Hugging Face's `tokenizers` gives for the same file. A tokenizer is immutable and can be
/// used from several threads at once.
public struct Tokenizer: Sendable {
  /// Bytes of a tokenizer.json, at most; Llama 3's has 17 million.
  public static let maximumFileSize = 1 << 30

  let file: TokenizerFile
  let model: BytePairModel
  let normalizer: Normalizer
  let preTokenizer: [PreTokenizer]
  let postProcessor: PostProcessor
  /// Whether tokens spell bytes in ``ByteAlphabet``; without a decoder they are shown as spelled, with spaces between.
  let decodesBytes: Bool
  /// Looks for the added tokens that are not normalized, in the text as given.
  let plainTokens: AddedTokenMatcher
  /// Looks for those that are, in normalized text.
  let normalizedTokens: AddedTokenMatcher
  /// Token, as the file spells it, → id; added tokens included.
  let ids: [[UInt8]: Int32]
  /// The reverse of `ids`.
  let names: [Int32: [UInt8]]
  let specialIDs: Set<Int32>

  /// The largest id plus one, added tokens included.
  public let vocabularySize: Int

  /// Reads a tokenizer.json.
  ///
  /// - Throws: ``TokenizerError`` if the file cannot be read, is malformed, contradicts itself, or asks for anything but
  ///   byte-level BPE. Its `truncation` and `padding` are ignored.
  public init(contentsOfFile path: String) throws(TokenizerError) {
    let file = TokenizerFile(path: path)
    let bytes: [UInt8]
    do {
      var regularFile = try RegularFile(path: path)
      bytes = try regularFile.readAll(limit: Self.maximumFileSize)
    } catch {
      throw TokenizerError(.unreadableFile, "\(path): \(error.message)\(MissingTokenizer.remedy(for: path))")
    }
    let root = try JSONReader.document(bytes, file: file)
    self.file = file
    normalizer = try Normalizer(try root.optional("normalizer"), file: file)
    preTokenizer = try PreTokenizer.steps(try root.optional("pre_tokenizer"), file: file)
    postProcessor = try PostProcessor(try root.optional("post_processor"))
    decodesBytes = try Self.decodesBytes(try root.optional("decoder"))
    model = try BytePairModel(try root.required("model"))

    let added = try AddedToken.list(try root.optional("added_tokens"), names: model.names)
    plainTokens = AddedTokenMatcher(added.filter { !$0.normalized }.map { ($0, $0.content) })
    var normalized: [(AddedToken, [UInt8])] = []
    for token in added where token.normalized {
      normalized.append((token, try normalizer(token.content, token.content.indices, file: file)))
    }
    normalizedTokens = AddedTokenMatcher(normalized)
    var ids = model.names
    for token in added { ids[token.content] = token.id }
    var names: [Int32: [UInt8]] = [:]
    names.reserveCapacity(ids.count)
    for (name, id) in ids {
      if let other = names.updateValue(name, forKey: id) {
        throw file.invalid("added_tokens", "the id \(id) belongs to both \(quoted(name)) and \(quoted(other))")
      }
    }
    self.ids = ids
    self.names = names
    specialIDs = Set(added.filter(\.special).map(\.id))
    vocabularySize = Int(names.keys.max() ?? -1) + 1
  }

  /// The id of `token`, spelled as in the file (a space as "Ġ"), or nil.
  public func id(of token: String) -> Int32? { ids[Array(token.utf8)] }

  /// Reads `decoder`: `ByteLevel`, a sequence of it, or none.
  private static func decodesBytes(_ node: JSONNode?) throws(TokenizerError) -> Bool {
    guard let node else { return false }
    let type = try node.required("type").bytes()
    switch String(decoding: type, as: UTF8.self) {
    case "ByteLevel": return true
    case "Sequence":
      let decoders = try node.required("decoders").elements()
      guard decoders.count == 1 else { throw node.file.unsupported(node.key, "a sequence of several decoders") }
      return try decodesBytes(decoders[0])
    default: throw node.file.unsupported(node.key, "the decoder \(quoted(type))")
    }
  }
}
