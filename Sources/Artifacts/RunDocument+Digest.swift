internal import Crypto

extension RunDocument {
  /// SHA-256 of everything in the document that changes the run's results, in lowercase hexadecimal; the same as
  /// ``digest(of:)`` of the report, the last of them.
  public var digest: String { digest(of: .report) }

  /// SHA-256, in lowercase hexadecimal, of the keys that change `result` or anything that it is made from. Two documents
  /// with the same digest ask for the same result, so a finished one can be used again.
  ///
  /// - scores: `model`, `calibration`, `selection`, `scoring`, `resources.backend`
  /// - plan: these and `allocation`; a plan that gates in blocks start from depends on `tuning` too
  /// - gates: these, `tuning` and `exchange`
  /// - checkpoint: these, `recovery` and `repacking`
  /// - report: these and `evaluation`
  ///
  /// Not counted: `output`, `run-folder`, `overwrite`, and of `resources` all but the backend, since a plan does not
  /// depend on threads, memory, where weights come from or when a state is saved, `save-every` of `tuning` and
  /// `recovery`, and `generation`, whose text counts where another key names it. Paths count as they are written; what the
  /// files hold is hashed elsewhere.
  ///
  /// The hashed text is the line `espalier run document 1`, then a line `KEY: VALUE` for each key in the documented
  /// order, values as in ``resolvedYAML()`` but lists in brackets.
  public func digest(of result: RunResult) -> String {
    var lines = ["espalier run document 1"]
    for field in Self.schema {
      if let changed = field.result, changed <= result { lines.append("\(field.key): \(field.text(self).line)") }
    }
    return Self.digest(lines)
  }

  /// ``digest(of:)`` without the keys that name texts: for a state beside which the hashes of the texts themselves stand, so
  /// that a file that was moved is the same text.
  public func digestBesideTexts(of result: RunResult) -> String {
    Self.digest(["espalier run document 1"] + values(changing: result).map { "\($0.key): \($0.value)" })
  }

  private static func digest(_ lines: [String]) -> String {
    SHA256.hash(data: Array((lines.joined(separator: "\n") + "\n").utf8)).hexadecimal
  }
}
