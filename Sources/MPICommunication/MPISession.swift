import COpenMPI
public import Communication
import Synchronization

/// MPI between its initialization and its finalization: once per process.
///
/// A process started alone needs none: where `isLaunchedByMPI` is false, use `SoloCommunicator`.
public final class MPISession: Sendable {
  /// All ranks of the job.
  public let world: MPICommunicator

  private let isFinalized = Mutex(false)

  /// Whether a launcher started this process as one of a job. Reads the environment; calls no MPI.
  public static var isLaunchedByMPI: Bool { LaunchEnvironment.current != nil }

  /// How many processes the launcher says it started; nil without a launcher or where it does not say.
  public static var environmentSize: Int? { LaunchEnvironment.current?.size }

  /// The rank the launcher gave this process; nil without a launcher.
  public static var environmentRank: Int? { LaunchEnvironment.current?.rank }

  /// The message library as it names itself, such as `Open MPI v4.1.4`. Works without a launcher too.
  public static var libraryVersion: String {
    var length: Int32 = 0
    var text = [CChar](repeating: 0, count: Int(MPI_MAX_LIBRARY_VERSION_STRING) + 1)
    guard unsafe MPI_Get_library_version(&text, &length) == MPI_SUCCESS else { return "unknown" }
    // Open MPI goes on with who built it, and when.
    let name = String(decoding: text.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return String(name.prefix { $0 != "," && !$0.isNewline })
  }

  /// Initializes MPI for use by several threads at once. Call it, and `finalize`, from the main thread.
  ///
  /// - Parameter heartbeat: told when the thread that uses `world` waits for other ranks.
  /// - Throws: `CommunicationError` with code `launch` when MPI was initialized before, lacks support for threads, or
  ///   sees another number of processes than the launcher started (each process alone: the launcher is another MPI's).
  public init(heartbeat: Heartbeat? = nil) throws(CommunicationError) {
    var wasInitialized: Int32 = 0
    try check(unsafe MPI_Initialized(&wasInitialized), "MPI_Initialized")
    guard wasInitialized == 0 else {
      throw CommunicationError(.launch, "MPI was initialized before; keep one MPISession for the whole process")
    }
    var provided: Int32 = 0
    try check(unsafe MPI_Init_thread(nil, nil, Int32(MPI_THREAD_MULTIPLE), &provided), "MPI_Init_thread")
    do throws(CommunicationError) {
      guard provided >= Int32(MPI_THREAD_MULTIPLE) else {
        throw CommunicationError(
          .launch,
          "this MPI offers thread level \(provided), not MPI_THREAD_MULTIPLE; use an Open MPI built with thread support"
        )
      }
      world = try MPICommunicator(world: (), heartbeat: heartbeat)
      try Self.requireSize(world.size, promisedBy: LaunchEnvironment.current)
    } catch {
      _ = MPI_Finalize()
      throw error
    }
  }

  /// A channel for a watchdog's beats between all ranks. Collective.
  public func beatChannel() throws(CommunicationError) -> any BeatChannel { try MPIBeatChannel(world) }

  /// Ends MPI on this rank. Collective; nothing of MPI may be in use, on any thread. Further calls do nothing.
  public func finalize() throws(CommunicationError) {
    let isFirst = isFinalized.withLock { isFinalized in
      defer { isFinalized = true }
      return !isFinalized
    }
    if isFirst { try check(MPI_Finalize(), "MPI_Finalize") }
  }

  /// Throws `launch` unless MPI sees as many processes as the launcher promised.
  package static func requireSize(
    _ size: Int, promisedBy environment: LaunchEnvironment?
  ) throws(CommunicationError) {
    guard let environment, let promised = environment.size, promised != size else { return }
    throw CommunicationError(
      .launch,
      "launched as \(promised) processes by \(environment.launcher) but MPI sees \(size); "
        + "start with the mpirun of the Open MPI that this program is linked with")
  }
}
