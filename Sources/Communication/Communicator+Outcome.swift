extension Communicator {
  /// Lets all ranks learn whether a step that each did by itself failed anywhere, so that nobody waits for a rank that
  /// has given up.
  ///
  /// Collective: a rank whose step failed must call it too, with the failure. It is for failures of local work (a
  /// file, a shape, memory); after a `CommunicationError` with code `library` call `abort` instead, since ranks may
  /// be apart.
  ///
  /// - Parameters:
  ///   - result: what this rank's step came to. A `PeerFailure` that all ranks already share is thrown on as it is.
  ///   - exitCode: the process exit code for an error of this rank; 0 counts as 1.
  ///   - isCommon: whether an error lies in what all ranks hold alike, such as the model: then it does not matter which rank
  ///     came upon it.
  /// - Returns: this rank's value, if every rank has one.
  /// - Throws: the same `PeerFailure` on every rank, or a `CommunicationError`.
  public func agreeOnSuccess<Value>(
    _ result: Result<Value, any Error>, exitCode: (any Error) -> Int32 = { _ in 1 },
    isCommon: (any Error) -> Bool = { _ in false }
  ) throws -> Value {
    var report: FailureReport?
    if case .failure(let error) = result {
      report = FailureReport(error, exitCode: exitCode, isCommon: isCommon)
    }
    let reports = try gather(report?.encoded ?? []).map(FailureReport.init(encoded:))
    let failed = reports.indices.filter { reports[$0] != nil }
    guard let rank = failed.first, let first = reports[rank] else { return try result.get() }
    let isEverywhere = reports.allSatisfy { $0 == first }
    if isEverywhere, first.isShared { return try result.get() }
    throw PeerFailure(
      rank: rank, line: first.line, exitCode: first.exitCode, failedRanks: failed,
      isCommon: isEverywhere || first.isCommon)
  }

  /// Runs `body` on every rank and then `agreeOnSuccess`. `body` must make no collective call that other ranks could
  /// miss by throwing before it.
  public func together<Value>(
    exitCode: (any Error) -> Int32 = { _ in 1 }, isCommon: (any Error) -> Bool = { _ in false },
    _ body: () throws -> Value
  ) throws -> Value {
    try agreeOnSuccess(Result(catching: body), exitCode: exitCode, isCommon: isCommon)
  }
}

/// One rank's failure on its way to the others.
private struct FailureReport: Equatable {
  let exitCode: Int32
  /// Whether the failure is a `PeerFailure`, which other ranks may hold already.
  let isShared: Bool
  /// Whether it lies in what all ranks hold alike.
  let isCommon: Bool
  let line: String

  /// Keeps a report from a hostile file's name or the like to a size worth sending to everyone.
  private static let longestLine = 4096

  init(_ error: any Error, exitCode: (any Error) -> Int32, isCommon: (any Error) -> Bool) {
    let shared = error as? PeerFailure
    let code = shared?.exitCode ?? exitCode(error)
    self.exitCode = code == 0 ? 1 : code
    isShared = shared != nil
    self.isCommon = shared == nil && isCommon(error)
    line = String(oneLine("\(error)").prefix(Self.longestLine))
  }

  /// Whether it is shared (1) or common (2), the exit code in four bytes from the lowest, the line. A success is no bytes.
  var encoded: [UInt8] {
    let code = UInt32(bitPattern: exitCode)
    return [isShared ? 1 : isCommon ? 2 : 0] + (0..<4).map { UInt8(truncatingIfNeeded: code >> ($0 * 8)) }
      + Array(line.utf8)
  }

  init?(encoded: [UInt8]) {
    guard encoded.count >= 5 else { return nil }
    (isShared, isCommon) = (encoded[0] == 1, encoded[0] == 2)
    exitCode = Int32(bitPattern: encoded[1..<5].reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) })
    line = String(decoding: encoded[5...], as: UTF8.self)
  }
}
