internal import Artifacts
internal import Communication

/// Ranks that have none of a stage's sequences, and wait for the others.
package enum IdleRanks {
  /// A line for every kind of text with fewer sequences than there are ranks.
  static func warnings(_ inputs: Inputs, ranks: Int) -> [String] {
    let document = inputs.document
    let texts: [(name: String, count: Int, key: String)] = [
      ("calibration sequence", inputs.sequences.count, "calibration.sequences"),
      ("held-out sequence", inputs.heldOut.count, "selection.sequences"),
      ("prompt", inputs.prompts.count, "generation.sequences"),
      ("sequence of a tuning step", inputs.tuningText == nil ? 0 : document.tuning.batch, "tuning.batch"),
      ("sequence of a recovery step", inputs.recoveryText == nil ? 0 : document.recovery.batch, "recovery.batch"),
      ("evaluation window", inputs.windows.count, "evaluation.limit"),
    ]
    return texts.compactMap { warning($0.name, count: $0.count, key: $0.key, ranks: ranks) }
  }

  /// Nil where every rank has one, or where there are none at all.
  package static func warning(_ name: String, count: Int, key: String, ranks: Int) -> String? {
    guard count > 0, count < ranks else { return nil }
    let idle = (0..<ranks).filter { Partition(ranks: ranks).block(of: count, rank: $0).isEmpty }
    let counted = count == 1 ? "1 \(name)" : "\(count) \(plural(name))"
    return "\(counted) for \(ranks) ranks: \(RankList(idle)) \(idle.count == 1 ? "has" : "have") none and "
      + "\(idle.count == 1 ? "waits" : "wait"); raise \(key), or start fewer ranks"
  }

  private static func plural(_ name: String) -> String {
    name.hasPrefix("sequence of") ? "sequences" + name.dropFirst("sequence".count) : name + "s"
  }
}
