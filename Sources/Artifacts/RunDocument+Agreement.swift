extension RunDocument {
  /// Every key that ranks must agree on, in the documented order, with its value on one line: all but
  /// `resources.threads` and `resources.memory-limit`, which a host may have its own of.
  public var sharedValues: [(key: String, value: String)] {
    Self.schema.filter { !["resources.threads", "resources.memory-limit"].contains($0.key) }
      .map { ($0.key, $0.text(self).line) }
  }

  /// Every key that changes `result` or anything that it is made from, as ``digest(of:)`` counts them, with its value on
  /// one line; but none that names texts, since it is what these hold that matters, and a file may have moved.
  public func values(changing result: RunResult) -> [(key: String, value: String)] {
    Self.schema.filter { !$0.namesText && ($0.result.map { $0 <= result } ?? false) }
      .map { ($0.key, $0.text(self).line) }
  }

  /// Every key that changes the text that the model writes, with its value on one line. Prompts are hashed by themselves,
  /// whatever the files are called that they are of.
  public var valuesChangingGeneration: [(key: String, value: String)] {
    let others: Set = ["model", "resources.backend", "resources.compute"]
    return Self.schema.filter { !$0.namesText && ($0.section == "generation" || others.contains($0.key)) }
      .map { ($0.key, $0.text(self).line) }
  }
}
