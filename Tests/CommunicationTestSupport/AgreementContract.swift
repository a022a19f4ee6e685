public import Communication

/// An error with a line that a test chooses.
public struct TestFailure: Error, CustomStringConvertible, Equatable {
  public let description: String

  public init(_ description: String) {
    self.description = description
  }
}

extension CommunicatorContract {
  /// The line with which `requireAgreement` fails on this rank; nil when it passes.
  public func disagreement(on name: String, digest: String) throws -> String? {
    do {
      try communicator.requireAgreement(on: name, digest: digest)
      return nil
    } catch {
      guard error.code == .disagreement else { throw error }
      return error.description
    }
  }

  /// The failure that all ranks come to when `lines` fail: rank to line.
  public func failure(where lines: [Int: String], exitCode: Int32 = 1) throws -> PeerFailure? {
    do {
      let value = try communicator.together(exitCode: { _ in exitCode }) {
        if let line = lines[communicator.rank] { throw TestFailure(line) }
        return communicator.rank
      }
      guard value == communicator.rank else { throw TestFailure("another rank's value came back") }
      return nil
    } catch let failure as PeerFailure {
      return failure
    }
  }

  /// While this thread sums on its communicator, a `CommunicationThread` broadcasts ahead on a duplicate: the pattern
  /// of layer streaming. True when every one of `rounds` messages of both kinds arrived whole.
  public func prefetchesWhileReducing(rounds: Int, waiting: Waiting) throws -> Bool {
    let ahead = try communicator.duplicate(waiting: waiting)
    let thread = CommunicationThread()
    defer { thread.shutdown() }
    let size = communicator.size
    let prefetch = { @Sendable (round: Int) -> Pending<[UInt8]> in
      thread.submit {
        let root = round % size
        return try ahead.broadcast(
          ahead.rank == root ? [UInt8](repeating: UInt8(round % 251), count: round * 37 % 4099) : [], root: root)
      }
    }
    var isRight = true
    var pending = [prefetch(0), prefetch(1)]
    for round in 0..<rounds {
      pending.append(prefetch(round + 2))
      let length = round * 13 % 257
      var values = [Double](repeating: Double(communicator.rank + round), count: length)
      var span = values.mutableSpan
      try communicator.sum(&span)
      let total = Double(size * (size - 1) / 2 + size * round)
      let bytes = try pending.removeFirst().wait()
      isRight = isRight && values.allSatisfy { $0 == total }
      isRight = isRight && bytes == [UInt8](repeating: UInt8(round % 251), count: round * 37 % 4099)
    }
    for rest in pending { _ = try rest.wait() }
    return isRight
  }
}
