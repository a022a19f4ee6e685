extension RunDocument {
  /// The sections that each verb reads, beside what stands at the top of the document.
  private static let sectionsRead: [String: Set<String>] = [
    "score": ["calibration", "scoring"],
    "select": ["calibration", "selection", "scoring", "allocation"],
    "allocate": ["allocation"],
    "tune": ["calibration", "scoring", "allocation", "tuning", "exchange", "evaluation"],
    "repack": ["repacking"],
    "recover": ["recovery", "exchange", "evaluation", "repacking"],
    "generate": ["generation"],
    "evaluate": ["evaluation"],
    "prune": [
      "calibration", "selection", "scoring", "allocation", "tuning", "recovery", "exchange", "evaluation", "repacking",
    ],
  ]

  /// The keys that `verb` reads and that are not at their defaults, in the documented order, with their values on one
  /// line; `model` is always among them.
  public func settings(of verb: String) -> [RunReport.Setting] {
    let sections = (Self.sectionsRead[verb] ?? []).union(["", "resources"])
    var plain = RunDocument(unresolvedModel: "")
    // Defaults that follow from other keys are none of their own.
    plain.output = origins["output"] == nil ? output : ""
    plain.runFolder = origins["run-folder"] == nil ? runFolder : ""
    plain.scoring.objective = scoring.criterion == .taylor ? .loss : .maxLogit
    plain.evaluation.stride = evaluation.window
    return Self.schema.filter { sections.contains($0.section) && $0.text(self) != $0.text(plain) }
      .map { RunReport.Setting(key: $0.key, value: $0.text(self).line) }
  }
}
