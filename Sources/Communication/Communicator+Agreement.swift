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
    try requireAgreement(at: name, on: [(name, digest)])
  }

  /// Throws on every rank, the same error on each, unless all ranks have come to the same `phase` and hold the same
  /// digests: one small message for all of them.
  ///
  /// - Parameters:
  ///   - phase: where this rank is, as a user would call it.
  ///   - items: what is compared: its name and a hash of it, a short text.
  /// - Throws: `CommunicationError` with code `disagreement`, naming the first item that differs, or the phases.
  public func requireAgreement(
    at phase: String, on items: [(name: String, digest: String)]
  ) throws(CommunicationError) {
    let all = try gather(Claim.encoded(phase: phase, items: items)).map(Claim.list)
    let names = all.map { $0[0].name }
    if let odd = Dissent(among: names) {
      throw CommunicationError(
        .disagreement,
        "\(RankList(odd.ranks)) at \"\(oneLine(odd.value))\" while \(RankList(odd.others)) at "
          + "\"\(oneLine(odd.majority))\": ranks are in different phases; start every rank with the same command")
    }
    let holdings = all.map { $0.dropFirst().map(\.name).joined(separator: ", ") }
    if let odd = Dissent(among: holdings) {
      throw CommunicationError(
        .disagreement,
        "at \"\(oneLine(phase))\" \(RankList(odd.ranks)) \(odd.ranks.count == 1 ? "has" : "have") "
          + "\(oneLine(odd.value)) and \(RankList(odd.others)) \(oneLine(odd.majority)); start every rank with the same "
          + "command")
    }
    for item in items.indices {
      let claims = all.map { $0[item + 1] }
      let name = items[item].name
      guard let odd = Dissent(among: claims.map(\.digest)) else { continue }
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

/// What one rank says it holds, or where it is.
private struct Claim {
  let name: String
  let digest: String

  /// The phase, and each item's name and digest, each followed by a zero byte.
  static func encoded(phase: String, items: [(name: String, digest: String)]) -> [UInt8] {
    ([phase] + items.flatMap { [$0.name, $0.digest] }).flatMap { $0.utf8.filter { $0 != 0 } + [0] }
  }

  /// The phase as a claim without a digest, and then the items.
  static func list(encoded: [UInt8]) -> [Claim] {
    let texts = encoded.split(separator: 0, omittingEmptySubsequences: false).dropLast()
      .map { String(decoding: $0, as: UTF8.self) }
    let items = stride(from: 1, to: texts.count - 1, by: 2).map { Claim(name: texts[$0], digest: texts[$0 + 1]) }
    return [Claim(name: texts.first ?? "", digest: "")] + items
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
