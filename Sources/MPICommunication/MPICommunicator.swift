import COpenMPI
public import Communication
import Foundation

/// A group of MPI ranks.
///
/// MPI errors come back as `CommunicationError`s, never as MPI's own abort. The collectives are MPI's, in messages of
/// at most `messageBytes`.
@safe public final class MPICommunicator: Communicator {
  public let rank: Int
  public let size: Int
  /// How a rank waits for the others in a collective of this communicator.
  public let waiting: Waiting

  /// The greatest message, in bytes: 256 MiB. MPI counts elements in 32 bits, and Open MPI's transports have had faults
  /// beyond 2 GiB; a message this long already runs at the link's full speed.
  public static let defaultMessageBytes = 1 << 28

  /// This communicator's greatest message, in bytes; the same on all ranks. Longer transfers go in pieces of this length
  /// and a shorter last one. Tests make it small, so that many pieces need no gigabytes.
  package let messageBytes: Int

  /// MPI's handle never changes and MPI lets any thread use it.
  nonisolated(unsafe) let handle: MPI_Comm
  private let isOwned: Bool
  /// Told of every wait in a call of this communicator; nil on duplicates, which other threads than the main one use.
  let heartbeat: Heartbeat?

  /// All ranks of the job.
  convenience init(world: Void, heartbeat: Heartbeat?) throws(CommunicationError) {
    try unsafe self.init(
      handle: espalier_mpi_comm_world(), isOwned: false, waiting: .spinning, messageBytes: Self.defaultMessageBytes,
      heartbeat: heartbeat)
  }

  init(
    handle: MPI_Comm, isOwned: Bool, waiting: Waiting, messageBytes: Int, heartbeat: Heartbeat? = nil
  ) throws(CommunicationError) {
    precondition(
      messageBytes >= 8 && messageBytes <= Int32.max, "a message holds an element, and MPI counts in 32 bits")
    self.heartbeat = heartbeat
    unsafe self.handle = handle
    self.isOwned = isOwned
    self.waiting = waiting
    self.messageBytes = messageBytes
    try check(unsafe MPI_Comm_set_errhandler(handle, espalier_mpi_errors_return()), "MPI_Comm_set_errhandler")
    var rank: Int32 = 0
    var size: Int32 = 0
    try check(unsafe MPI_Comm_rank(handle, &rank), "MPI_Comm_rank")
    try check(unsafe MPI_Comm_size(handle, &size), "MPI_Comm_size")
    self.rank = Int(rank)
    self.size = Int(size)
  }

  /// Frees a duplicate. MPI may be gone by then, as when the last reference is a global's.
  deinit {
    var isFinalized: Int32 = 0
    guard isOwned, unsafe MPI_Finalized(&isFinalized) == MPI_SUCCESS, isFinalized == 0 else { return }
    var handle: MPI_Comm? = unsafe handle
    _ = unsafe MPI_Comm_free(&handle)
  }

  public func duplicate(waiting: Waiting) throws(CommunicationError) -> any Communicator {
    try duplicate(waiting: waiting, messageBytes: messageBytes)
  }

  /// A duplicate whose messages have another greatest length.
  ///
  /// - Parameter isOwned: whether it is freed with the last reference; else MPI frees it at its end.
  package func duplicate(
    waiting: Waiting, messageBytes: Int, isOwned: Bool = true
  ) throws(CommunicationError) -> MPICommunicator {
    heartbeat?.beginWait()
    defer { heartbeat?.endWait() }
    var duplicate = unsafe espalier_mpi_comm_null()
    try check(unsafe MPI_Comm_dup(handle, &duplicate), "MPI_Comm_dup on \(place)")
    guard let duplicate = unsafe duplicate else {
      throw CommunicationError(.library, "MPI_Comm_dup gave no communicator on \(place); report this MPI's version")
    }
    return try unsafe MPICommunicator(handle: duplicate, isOwned: isOwned, waiting: waiting, messageBytes: messageBytes)
  }

  public func abort(code: Int32) -> Never {
    _ = unsafe MPI_Abort(handle, code)
    exit(code)
  }

  /// "rank 1 of 4", for errors.
  var place: String { "rank \(rank) of \(size)" }
}
