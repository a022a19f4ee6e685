internal import Artifacts
internal import Evaluation

/// What of the texts is not as one would think: told, and not refused.
extension Inputs {
  var textWarnings: [String] { lengthWarnings + countWarnings + repetitionWarnings + flatteryWarnings }

  /// What units, gates and adapters are fitted to, by the key that names it.
  private var fittedTexts: [(key: String, sequences: [[Int32]])] {
    [
      ("calibration.text", calibration.sequences), ("tuning.text", tuningText?.ids ?? []),
      ("recovery.text", recoveryText?.ids ?? []),
    ].filter { !$0.1.isEmpty }
  }

  /// Files of tokens have sequences of their own length, whatever was asked for.
  private var lengthWarnings: [String] {
    let asked = [
      ("calibration", document.calibration.text, document.calibration.length, calibration.sequences),
      ("tuning", document.tuningText, document.tuning.length, tuningText?.ids ?? []),
      ("recovery", document.recoveryText, document.recovery.length, recoveryText?.ids ?? []),
    ]
    return asked.compactMap { section, text, length, sequences in
      guard text.allSatisfy(TextReader.holdsTokens), document.origin(of: "\(section).length") != nil,
        let longest = sequences.map(\.count).max(), longest != length
      else { return nil }
      return
        "\(section).length is \(length), but the sequences of \(text.joined(separator: ", ")) have \(longest) tokens, "
        + "and are taken so"
    }
  }

  /// A text may have fewer sequences to train on than were asked for, where steps want as many.
  private var countWarnings: [String] {
    let (tuning, recovery) = (document.tuning, document.recovery)
    let asked = [
      ("tuning", tuning.sequences, tuning.steps, tuning.batch * tuning.accumulation, tuningText),
      ("recovery", recovery.sequences, recovery.steps, recovery.batch * recovery.accumulation, recoveryText),
    ]
    return asked.compactMap { section, sequences, steps, perStep, text in
      guard let sequences, let text, text.ids.count < sequences, text.ids.count / perStep < steps else { return nil }
      return "\(section).sequences is \(sequences), but the text has \(text.ids.count), which steps take again"
    }
  }

  /// The same sequence twice adds nothing, and neither does a candidate that is another's equal.
  private var repetitionWarnings: [String] {
    var warnings = fittedTexts.compactMap { key, sequences -> String? in
      let different = Set(sequences).count
      guard different < sequences.count else { return nil }
      return "\(key): \(sequences.count) sequences, of which \(different) are different; is a text named twice?"
    }
    var first: [String: Int] = [:]
    for (index, candidate) in candidates.enumerated() {
      if let earlier = first[candidate.hash] {
        warnings.append(
          "selection: candidate \(index + 1) (\(candidate.text.joined(separator: ", ")), seed \(candidate.seed)) has the "
            + "sequences of candidate \(earlier + 1); is a text named twice?")
      } else {
        first[candidate.hash] = index
      }
    }
    return warnings
  }

  /// Perplexity on text that a model was fitted to.
  private var flatteryWarnings: [String] {
    guard !windows.isEmpty else { return [] }
    let shared = fittedTexts.compactMap { key, sequences -> String? in
      let common = SharedText.count(of: sequences, in: windows.map(\.ids))
      // A tenth may be a licence or a headline that stands everywhere.
      guard common > 0, common * 10 >= sequences.count else { return nil }
      return "\(common) of \(sequences.count) sequences of \(key)"
    }
    guard !shared.isEmpty else { return [] }
    return [
      "evaluation.text has \(shared.joined(separator: " and ")): perplexity flatters on text that a model was fitted to; "
        + "measure on another"
    ]
  }
}
