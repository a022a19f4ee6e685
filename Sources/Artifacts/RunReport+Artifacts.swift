extension RunReport {
  /// Which files a report tells of, each by a digest; `nil` for those that it does not tell of.
  ///
  /// The first four are made one from the other, in this order.
  public struct Artifacts: Codable, Sendable, Equatable {
    /// ``ScoreTable/digest`` of scores.safetensors.
    public var scores: String?
    /// ``PruningPlan/digest()`` of plan.json.
    public var plan: String?
    /// ``GateValues/digest`` of gates.safetensors.
    public var gates: String?
    /// The hash of the model in the output folder.
    public var output: String?
    /// SHA-256 of metrics.jsonl.
    public var metrics: String?
    /// SHA-256 of generated.safetensors.
    public var generated: String?
    /// SHA-256 of run.yaml.
    public var document: String?

    public init(scores: String? = nil, plan: String? = nil, gates: String? = nil, output: String? = nil) {
      self.scores = scores
      self.plan = plan
      self.gates = gates
      self.output = output
    }

    public subscript(artifact: Artifact) -> String? {
      get { artifact.path.flatMap { self[keyPath: $0] } }
      set { if let path = artifact.path { self[keyPath: path] = newValue } }
    }
  }

  /// What ``Command/made`` names: one of ``Artifacts``, or the perplexity that a verb measured of one.
  public enum Artifact: String, Sendable, CaseIterable {
    case scores, plan, gates, output, metrics, generated, document, perplexity

    /// What is made one from the other, the first first.
    static let chain: [Artifact] = [.scores, .plan, .gates, .output]

    /// The sections of the run document that say how it is made.
    var sections: Set<String> {
      switch self {
      case .scores: ["calibration", "selection", "scoring"]
      case .plan: ["allocation", "tuning"]
      case .gates: ["tuning", "exchange"]
      case .output: ["recovery", "exchange", "repacking"]
      case .generated: ["generation"]
      case .perplexity: ["evaluation"]
      case .metrics, .document: []
      }
    }

    /// nil for what is no file.
    fileprivate var path: WritableKeyPath<Artifacts, String?>? {
      switch self {
      case .scores: \.scores
      case .plan: \.plan
      case .gates: \.gates
      case .output: \.output
      case .metrics: \.metrics
      case .generated: \.generated
      case .document: \.document
      case .perplexity: nil
      }
    }
  }

  /// The report without what it tells of some artifacts, which are not what they were.
  public func retiring(_ stale: Set<Artifact>) -> RunReport {
    var report = self
    for artifact in stale {
      report.artifacts?[artifact] = nil
      switch artifact {
      case .scores: (report.scoring, report.selection) = (nil, nil)
      case .plan: (report.sparsity, report.allocation, report.planned, report.layers) = (nil, nil, nil, [])
      case .gates: report.training?.removeAll { $0.stage == Training.tuning }
      case .output:
        report.output = nil
        report.parameters?.after = nil
        report.bytes?.after = nil
        report.training?.removeAll { $0.stage == Training.recovery }
      case .metrics, .document, .perplexity: break
      case .generated: report.generated = nil
      }
    }
    if report.training?.isEmpty == true { report.training = nil }
    report.commands = report.commands?.map { $0.without(Set(stale.map(\.rawValue))) }
    return report.withoutOtherModels(stale)
  }

  /// The report without perplexities of a model that it does not tell of any more.
  private func withoutOtherModels(_ stale: Set<Artifact>) -> RunReport {
    guard let perplexity else { return self }
    let isStale =
      perplexity.of.map { !$0.isOf(self) } ?? !stale.isDisjoint(with: [.plan, .gates, .output])
    guard isStale else { return self }
    var report = self
    report.commands = commands?.map { $0.without([Artifact.perplexity.rawValue]) }
    report.perplexity?.after = nil
    report.perplexity?.of = nil
    report.perplexities?.removeAll { $0.name != Measured.dense }
    if report.perplexities?.isEmpty == true { report.perplexities = nil }
    if perplexity.before == nil { report.perplexity = nil }
    return report
  }
}

extension RunReport.Artifacts {
  /// Whether a model measured as these artifacts are told is the one that `report` tells of: the very output, or else what
  /// its plan and gates leave, and nothing was trained since.
  fileprivate func isOf(_ report: RunReport) -> Bool {
    if let output { return output == report.artifacts?.output }
    let isTrained = report.training?.contains { $0.stage == RunReport.Training.recovery } ?? false
    return plan == report.artifacts?.plan && gates == report.artifacts?.gates && !isTrained
  }
}
