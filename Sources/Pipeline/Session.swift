public import Artifacts
public import Communication
public import Compute

/// What the command line gives a run besides its document: the ranks, the voice, and the backends it was built with.
public struct Session {
  /// Espalier's version, as in reports and in `pruned_by`.
  public static let version = "0.1.0"

  /// All ranks. The main thread's: broadcasts ahead use a duplicate.
  public let communicator: any Communicator
  public let console: Console
  /// Makes a backend by name with so many threads, which multiplies weights in bf16 or in float32; the only way from here
  /// to concrete backends. Throws ``ProcessLimitError`` where the system does not give what it needs.
  public let makeBackend: (_ name: BackendName, _ threads: Int, _ usesBFloat16: Bool) throws -> any ComputeBackend
  /// Whether this rank's processor multiplies bf16 numbers.
  public let supportsBFloat16: Bool
  /// Whether this rank was asked to end.
  public let stopRequest: StopRequest
  /// What this rank did when; the communicator's calls are in it.
  public let trace: Trace

  public init(
    communicator: any Communicator, console: Console, supportsBFloat16: Bool = false,
    stopRequest: StopRequest = StopRequest(), trace: Trace = Trace(),
    makeBackend: @escaping (_ name: BackendName, _ threads: Int, _ usesBFloat16: Bool) throws -> any ComputeBackend
  ) {
    self.communicator = TracedCommunicator(communicator, trace: trace)
    self.trace = trace
    self.console = console
    self.supportsBFloat16 = supportsBFloat16
    self.stopRequest = stopRequest
    self.makeBackend = makeBackend
  }

  /// The signal by which any rank was asked to end, the same on every rank; nil: none was. Collective.
  ///
  /// Stages ask at every point where they can save what they did: after a layer, a step, a shard.
  func signalToStop() throws -> Int32? {
    let signal = Int32(try communicator.maximum(of: Double(stopRequest.signal ?? 0)))
    return signal == 0 ? nil : signal
  }

  /// What tells other threads, and other ranks, where this rank is.
  var heartbeat: Heartbeat { console.heartbeat }

  /// Runs local work that may fail on every rank, so that all ranks learn of a failure anywhere.
  func together<Value>(_ body: () throws -> Value) throws -> Value {
    try communicator.together(exitCode: ExitCode.code(for:), isCommon: ExitCode.isCommon, body)
  }
}
