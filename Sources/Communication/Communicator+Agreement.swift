extension Communicator {
  /// Throws on every rank, the same error on each, unless all ranks hold the same `digest` of `name`.
  ///
  /// - Parameters:
  ///   - name: what is compared, as a user would call it: "run document", "plan", "model".
  ///   - digest: a hash of it, of any length. Hexadecimal in the error.
  /// - Throws: `CommunicationError` with code `disagreement`, naming the item and the ranks outside the majority.
  public func requireAgreement(on name: String, digest: [UInt8]) throws(CommunicationError) {
    let digits = Array("0123456789abcdef")
    let text = digest.map { byte in "\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])" }.joined()
    try requireAgreement(on: name, digest: text)
  }

  /// Throws on every rank, the same error on each, unless all ranks hold the same `digest` of `name`, a short text.
  ///
  /// - Throws: `CommunicationError` with code `disagreement`, naming the item and the ranks outside the majority; also
  ///   when ranks compare different items, which means that they are not in the same phase.
  public func requireAgreement(on name: String, digest: String) throws(CommunicationError) {
    let claims = try gather(Claim(name: name, digest: digest).encoded).map(Claim.init(encoded:))
    let names = claims.map(\.name)
    if let odd = Dissent(among: names) {
      throw CommunicationError(
        .disagreement,
        "\(RankList(odd.ranks)) at \"\(oneLine(odd.value))\" while \(RankList(odd.others)) at "
          + "\"\(oneLine(odd.majority))\": ranks are in different phases; start every rank with the same command")
    }
    if let odd = Dissent(among: claims.map(\.digest)) {
      throw CommunicationError(
        .disagreement,
        "\(RankList(odd.ranks)) \(odd.ranks.count == 1 ? "has" : "have") a different \(oneLine(name)) "
          + "(\(abbreviated(odd.value)); \(RankList(odd.others)): \(abbreviated(odd.majority))); "
          + "give every rank the same \(oneLine(name))")
    }
  }

  private func abbreviated(_ digest: String) -> String {
    let line = oneLine(digest)
    return line.count > 64 ? line.prefix(61) + "..." : line
  }
}

/// What one rank says it holds. The name is checked too: a rank in another phase is told apart from a differing value.
private struct Claim {
  let name: String
  let digest: String

  init(name: String, digest: String) {
    self.name = name
    self.digest = digest
  }

  /// The name, a zero byte, the digest.
  var encoded: [UInt8] { Array(name.utf8.filter { $0 != 0 }) + [0] + Array(digest.utf8) }

  init(encoded: [UInt8]) {
    let parts = encoded.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    name = String(decoding: parts[0], as: UTF8.self)
    digest = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : ""
  }
}

/// The values that are not the majority's; with equally many holders the value of the lowest rank counts as the
/// majority.
private struct Dissent {
  let majority: String
  /// The value of the first rank outside the majority.
  let value: String
  /// All ranks outside the majority.
  let ranks: [Int]
  /// The ranks of the majority.
  let others: [Int]

  init?(among values: [String]) {
    var holders: [String: [Int]] = [:]
    for (rank, value) in values.enumerated() { holders[value, default: []].append(rank) }
    let largest = holders.max { left, right in
      (left.value.count, right.value[0]) < (right.value.count, left.value[0])
    }
    guard holders.count > 1, let largest else { return nil }
    majority = largest.key
    others = largest.value
    ranks = values.indices.filter { values[$0] != largest.key }
    value = values[ranks[0]]
  }
}
