extension BytePairModel {
  /// Reads the object `model`.
  init(_ node: JSONNode) throws(TokenizerError) {
    let file = node.file
    // Old files leave the type out; a vocabulary with merges is BPE.
    if let type = try node.optional("type"), !(try type.bytes().elementsEqual("BPE".utf8)) {
      throw file.unsupported(type.key, "the model \(quoted(try type.bytes()))")
    }
    if try node.bool("byte_fallback", default: false) {
      throw file.unsupported("\(node.key).byte_fallback", "byte fallback")
    }
    for name in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let affix = try node.optional(name), !(try affix.bytes().isEmpty) {
        throw file.unsupported(affix.key, "an affix of subwords")
      }
    }
    if let dropout = try node.optional("dropout") {
      switch dropout.value {
      case .integer(0), .number(0): break
      default: throw file.unsupported(dropout.key, "dropout")
      }
    }
    names = try Self.names(try node.required("vocab"))
    merges = try Self.merges(try node.required("merges"), names: names)
    var byteIDs: [Int32?] = []
    for character in ByteAlphabet.characters { byteIDs.append(names[character]) }
    self.byteIDs = byteIDs
    ignoresMerges = try node.bool("ignore_merges", default: false)
    fusesUnknown = try node.bool("fuse_unk", default: false)
    if let unknown = try node.optional("unk_token") {
      let token = try unknown.bytes()
      guard let id = names[token] else {
        throw file.invalid(unknown.key, "the token \(quoted(token)) is not in the vocabulary")
      }
      unknownID = id
    } else {
      unknownID = nil
    }
  }

  private static func names(_ node: JSONNode) throws(TokenizerError) -> [[UInt8]: Int32] {
    let members = try node.members()
    var names: [[UInt8]: Int32] = [:]
    names.reserveCapacity(members.count)
    var ids: Set<Int32> = []
    ids.reserveCapacity(members.count)
    for member in members {
      guard case .integer(let integer) = member.value, integer >= 0, integer < Int64(Int32.max) else {
        throw node.file.invalid(node.key, "the token \(quoted(member.key)) has no id in 0 ..< \(Int32.max)")
      }
      let id = Int32(integer)
      // The same line twice says one thing.
      if names[member.key] == id { continue }
      guard ids.insert(id).inserted else {
        throw node.file.invalid(node.key, "the id \(id) of token \(quoted(member.key)) belongs to another one too")
      }
      guard names.updateValue(id, forKey: member.key) == nil else {
        throw node.file.invalid(node.key, "the token \(quoted(member.key)) is given twice")
      }
    }
    guard !names.isEmpty else { throw node.file.invalid(node.key, "the vocabulary is empty") }
    return names
  }

  private static func merges(_ node: JSONNode, names: [[UInt8]: Int32]) throws(TokenizerError) -> [UInt64: Merge] {
    guard case .array(let elements) = node.value else { throw node.wrongType("an array") }
    guard elements.count < UInt32.max else { throw node.file.invalid(node.key, "too many merges") }
    var merges: [UInt64: Merge] = [:]
    merges.reserveCapacity(elements.count)
    var rank: UInt32 = 0
    for (index, element) in elements.enumerated() {
      let left: [UInt8]
      let right: [UInt8]
      switch element {
      case .string(let line):
        if line.starts(with: "#version".utf8) { continue }
        let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 2 else {
          throw node.file.invalid("\(node.key)[\(index)]", "\(quoted(line)) is not two tokens with a space between")
        }
        (left, right) = (Array(parts[0]), Array(parts[1]))
      case .array(let pair):
        guard pair.count == 2, case .string(let first) = pair[0], case .string(let second) = pair[1] else {
          throw node.file.invalid("\(node.key)[\(index)]", "is not a pair of strings")
        }
        (left, right) = (first, second)
      default:
        throw node.file.invalid("\(node.key)[\(index)]", "is \(element.typeName), not a pair of tokens")
      }
      var parts: [Int32] = []
      for token in [left, right, left + right] {
        guard let id = names[token] else {
          throw node.file.invalid("\(node.key)[\(index)]", "the token \(quoted(token)) is not in the vocabulary")
        }
        parts.append(id)
      }
      merges[pair(parts[0], parts[1])] = Merge(rank: rank, id: parts[2])
      rank += 1
    }
    return merges
  }
}
