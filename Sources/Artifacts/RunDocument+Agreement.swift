extension RunDocument {
  /// Every key that ranks must agree on, in the documented order, with its value on one line: all but
  /// `resources.threads` and `resources.memory-limit`, which a host may have its own of.
  public var sharedValues: [(key: String, value: String)] {
    Self.schema.filter { !["resources.threads", "resources.memory-limit"].contains($0.key) }
      .map { ($0.key, $0.text(self).line) }
  }
}
