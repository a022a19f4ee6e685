/// What a phase of a run takes, beforehand.
package struct PhaseEstimate: Sendable, Equatable {
  /// What a phase spends most of its time on.
  package enum Bound: String, Sendable { case compute, link, disk }

  /// As the report calls the phase.
  package var name: String
  package var seconds = 0.0
  /// Seconds of each alone; what overlaps counts in both.
  package var computeSeconds = 0.0
  package var linkSeconds = 0.0
  package var diskSeconds = 0.0
  /// Bytes of the rank that needs most.
  package var memoryBytes = 0
  /// Those of them that are the backend's matrices, which a report's phases tell.
  package var backendBytes = 0
  /// Bytes of weights that a rank gets from their owners, and has for others.
  package var broadcastBytes = 0.0
  /// Bytes of gradients that a rank sends.
  package var gradientBytes = 0.0
  /// Bytes over all links between nodes.
  package var linkBytes = 0.0
  /// Bytes that all nodes read, and write.
  package var readBytes = 0.0
  package var writtenBytes = 0.0

  init(_ name: String) { self.name = name }

  package var bound: Bound {
    if diskSeconds > max(computeSeconds, linkSeconds) { return .disk }
    return linkSeconds > computeSeconds ? .link : .compute
  }

  /// Bytes that a rank sends, or has sent to it.
  package var rankBytes: Double { broadcastBytes + gradientBytes }

  /// Sets the memory of a rank.
  mutating func take(_ account: MemoryAccount) {
    memoryBytes = max(memoryBytes, account.total)
    backendBytes = max(backendBytes, account.backendBytes)
  }

  /// Adds a part that runs after what there is, `times` times.
  mutating func add(_ other: PhaseEstimate, times: Double = 1) {
    seconds += times * other.seconds
    computeSeconds += times * other.computeSeconds
    linkSeconds += times * other.linkSeconds
    diskSeconds += times * other.diskSeconds
    memoryBytes = max(memoryBytes, other.memoryBytes)
    backendBytes = max(backendBytes, other.backendBytes)
    broadcastBytes += times * other.broadcastBytes
    gradientBytes += times * other.gradientBytes
    linkBytes += times * other.linkBytes
    readBytes += times * other.readBytes
    writtenBytes += times * other.writtenBytes
  }
}
