import COpenMPI
import Communication

/// Beats on a communicator of their own, beside the run's messages. They are small, so MPI takes a copy of each at once.
@safe final class MPIBeatChannel: BeatChannel {
  private let group: MPICommunicator
  /// One message to each rank, kept until MPI has it; the watchdog's thread alone touches both.
  nonisolated(unsafe) private let messages: UnsafeMutableBufferPointer<UInt8>
  nonisolated(unsafe) private let requests: UnsafeMutableBufferPointer<MPI_Request?>

  /// Collective.
  init(_ world: MPICommunicator) throws(CommunicationError) {
    // The watchdog's thread may let go of it when MPI is already ending, and freeing it then is a race that crashes.
    group = try world.duplicate(waiting: .spinning, messageBytes: world.messageBytes, isOwned: false)
    unsafe messages = .allocate(capacity: world.size * Beat.messageBytes)
    unsafe messages.initialize(repeating: 0)
    unsafe requests = .allocate(capacity: world.size)
    unsafe requests.initialize(repeating: espalier_mpi_request_null())
  }

  deinit {
    unsafe messages.deallocate()
    unsafe requests.deallocate()
  }

  var rank: Int { group.rank }
  var size: Int { group.size }

  func send(_ beat: Beat, to rank: Int) throws(CommunicationError) -> Bool {
    try group.requireRank(rank)
    guard try isIdle(rank) else { return false }
    for (offset, byte) in beat.encoded.enumerated() { unsafe messages[rank * Beat.messageBytes + offset] = byte }
    let start = unsafe messages.baseAddress.map { unsafe $0 + rank * Beat.messageBytes }
    let request = unsafe requests.baseAddress.map { unsafe $0 + rank }
    let status = unsafe MPI_Isend(
      start, Int32(Beat.messageBytes), espalier_mpi_byte(), Int32(rank), 0, group.handle, request)
    try check(status, "MPI_Isend to rank \(rank), on \(group.place),")
    return true
  }

  func receive() throws(CommunicationError) -> (rank: Int, beat: Beat)? {
    var isThere: Int32 = 0
    var found = MPI_Status()
    let probed = unsafe MPI_Iprobe(espalier_mpi_any_source(), 0, group.handle, &isThere, &found)
    try check(probed, "MPI_Iprobe on \(group.place)")
    guard isThere != 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: Beat.messageBytes)
    let source = found.MPI_SOURCE
    let status = unsafe bytes.withUnsafeMutableBytes { buffer in
      unsafe MPI_Recv(
        buffer.baseAddress, Int32(Beat.messageBytes), espalier_mpi_byte(), source, 0, group.handle,
        espalier_mpi_status_ignore())
    }
    try check(status, "MPI_Recv from rank \(source), on \(group.place),")
    guard let beat = Beat(encoded: bytes) else {
      throw CommunicationError(.library, "rank \(source) sent a beat that is none; its memory is damaged")
    }
    return (Int(source), beat)
  }

  func isIdle() throws(CommunicationError) -> Bool {
    for rank in 0..<size where try !isIdle(rank) { return false }
    return true
  }

  private func isIdle(_ rank: Int) throws(CommunicationError) -> Bool {
    var isComplete: Int32 = 0
    let request = unsafe requests.baseAddress.map { unsafe $0 + rank }
    try check(unsafe MPI_Test(request, &isComplete, espalier_mpi_status_ignore()), "MPI_Test on \(group.place)")
    return isComplete != 0
  }
}
