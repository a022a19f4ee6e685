extension RunReport {
  /// A verb that had a part in what the report tells.
  public struct Command: Codable, Sendable, Equatable {
    /// Such as `prune` or `tune`.
    public var verb: String
    /// When it began, on rank 0's clock: `2026-11-28T15:42:12+00:00`.
    public var began: String
    /// When it ended; `nil` while it goes on.
    public var ended: String?
    /// What it left that is still told of, by ``Artifacts``' names.
    public var made: [String]
    /// The keys of its document that were not at their defaults, and that it reads, with their values.
    public var settings: [Setting]
    /// What it warned of.
    public var warnings: [String]

    /// A verb that begins.
    public init(verb: String, began: String, settings: [Setting] = []) {
      self.verb = verb
      self.began = began
      self.settings = settings
      made = []
      warnings = []
    }

    /// The command without what another made anew, and without the keys that were for nothing else.
    func without(_ gone: Set<String>) -> Command {
      guard made.contains(where: gone.contains) else { return self }
      var command = self
      command.made.removeAll { gone.contains($0) }
      let sections = command.made.compactMap(Artifact.init(rawValue:)).reduce(into: Set(["resources"])) {
        sections, artifact in
        sections.formUnion(artifact.sections)
      }
      command.settings.removeAll { setting in
        let parts = setting.key.split(separator: ".")
        return parts.count > 1 && !sections.contains(String(parts[0]))
      }
      return command
    }
  }

  /// A key of the run document and its value on one line.
  public struct Setting: Codable, Sendable, Equatable {
    public var key: String
    public var value: String

    public init(key: String, value: String) {
      self.key = key
      self.value = value
    }
  }

  /// How units were scored: of scores.safetensors.
  public struct Scoring: Codable, Sendable, Equatable {
    /// As in ``ScoreTable/Metadata``; empty where the criterion needs none.
    public var criterion: String
    public var objective: String
    public var accumulation: String
    /// What they were scored on; `nil` where nothing was, or where it is not known.
    public var calibration: Calibration?

    public init(_ metadata: ScoreTable.Metadata, calibration: Calibration? = nil) {
      criterion = metadata.criterion
      objective = metadata.objective
      accumulation = metadata.accumulation
      self.calibration = calibration
    }
  }

  /// The sequences that units were scored on, over all ranks.
  public struct Calibration: Codable, Sendable, Equatable {
    /// The files that they are from.
    public var text: [String]
    public var seed: UInt64
    public var sequences: Int
    /// Tokens of the longest.
    public var length: Int

    public init(text: [String], seed: UInt64, sequences: Int, length: Int) {
      self.text = text
      self.seed = seed
      self.sequences = sequences
      self.length = length
    }
  }

  /// How units were chosen: of plan.json.
  public struct Allocation: Codable, Sendable, Equatable {
    /// `global`, `uniform`, `depth`, or the stage that chose the units.
    public var method: String
    /// Ratio of the MLPs' to the attention's share removed.
    public var gamma: Double
    /// What scored the units.
    public var criterion: String

    public init(_ record: PruningPlan.AllocationRecord) {
      (method, gamma, criterion) = (record.method, record.gamma, record.criterion)
    }
  }

  /// What a plan would leave of the model, before it is written.
  public struct Planned: Codable, Sendable, Equatable {
    /// Parameters of the whole model.
    public var parameters: Int
    /// Bytes of its weights.
    public var bytes: Int

    public init(parameters: Int, bytes: Int) { (self.parameters, self.bytes) = (parameters, bytes) }
  }
}

extension RunReport {
  /// A time of ``Command`` for people: `2026-11-28 15:42:12 UTC+01:00`.
  package static func readable(_ time: String) -> String {
    guard time.count > 19, let separator = time.firstIndex(of: "T") else { return time }
    let zone = time.dropFirst(19)
    return "\(time[..<separator]) \(time[separator...].dropFirst().prefix(8)) UTC\(zone == "Z" ? "" : zone)"
  }
}
