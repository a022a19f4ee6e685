import COpenMPI
public import Communication
import Foundation

extension MPICommunicator {
  public func barrier() throws(CommunicationError) {
    heartbeat?.beginWait()
    defer { heartbeat?.endWait() }
    if waiting == .sleeping {
      try sleepUntilAllArrive()
    } else {
      try check(unsafe MPI_Barrier(handle), "MPI_Barrier on \(place)")
    }
  }

  public func broadcast(_ bytes: inout MutableRawSpan, root: Int) throws(CommunicationError) {
    try requireRank(root)
    heartbeat?.beginWait()
    defer { heartbeat?.endWait() }
    try arrive()
    try unsafe bytes.withUnsafeMutableBytes { (buffer) throws(CommunicationError) in
      try unsafe broadcast(buffer, root: root)
    }
  }

  public func sum(_ values: inout MutableSpan<Float>, root: Int) throws(CommunicationError) {
    try requireRank(root)
    heartbeat?.beginWait()
    defer { heartbeat?.endWait() }
    try arrive()
    try unsafe values.withUnsafeMutableBytes { (buffer) throws(CommunicationError) in
      try unsafe reduce(
        buffer, of: espalier_mpi_float(), stride: MemoryLayout<Float>.stride, by: espalier_mpi_sum(), root: root)
    }
  }

  public func sum(_ values: inout MutableSpan<Double>) throws(CommunicationError) {
    try unsafe reduceEverywhere(&values, by: espalier_mpi_sum())
  }

  public func maximum(_ values: inout MutableSpan<Double>) throws(CommunicationError) {
    try unsafe reduceEverywhere(&values, by: espalier_mpi_max())
  }

  /// Reduces on one rank and broadcasts what it got. `MPI_Allreduce` is only advised, not bound, to give all ranks
  /// the same bits, and in some of its algorithms each rank adds in an order of its own.
  private func reduceEverywhere(
    _ values: inout MutableSpan<Double>, by operation: MPI_Op
  ) throws(CommunicationError) {
    heartbeat?.beginWait()
    defer { heartbeat?.endWait() }
    try arrive()
    try unsafe values.withUnsafeMutableBytes { (buffer) throws(CommunicationError) in
      try unsafe reduce(
        buffer, of: espalier_mpi_double(), stride: MemoryLayout<Double>.stride, by: operation, root: 0)
      try unsafe broadcast(buffer, root: 0)
    }
  }

  /// Reduces in place onto `root`, message by message.
  private func reduce(
    _ buffer: UnsafeMutableRawBufferPointer, of type: MPI_Datatype, stride: Int, by operation: MPI_Op, root: Int
  ) throws(CommunicationError) {
    for message in messages(of: buffer.count / stride, stride: stride) {
      let start = unsafe buffer.baseAddress.map { unsafe $0 + message.lowerBound * stride }
      let status =
        unsafe rank == root
        ? MPI_Reduce(espalier_mpi_in_place(), start, Int32(message.count), type, operation, Int32(root), handle)
        : MPI_Reduce(start, nil, Int32(message.count), type, operation, Int32(root), handle)
      try check(status, "MPI_Reduce onto rank \(root), on \(place),")
    }
  }

  private func broadcast(_ buffer: UnsafeMutableRawBufferPointer, root: Int) throws(CommunicationError) {
    for message in messages(of: buffer.count, stride: 1) {
      let start = unsafe buffer.baseAddress.map { unsafe $0 + message.lowerBound }
      let status = unsafe MPI_Bcast(start, Int32(message.count), espalier_mpi_byte(), Int32(root), handle)
      try check(status, "MPI_Bcast from rank \(root), on \(place),")
    }
  }

  /// `0 ..< count` elements of `stride` bytes cut into messages; none for no elements.
  func messages(of count: Int, stride: Int) -> some Sequence<Range<Int>> {
    let longest = messageBytes / stride
    return Swift.stride(from: 0, to: count, by: longest).lazy.map { $0..<min($0 + longest, count) }
  }

  /// Before a collective that moves data, on a communicator that sleeps: afterwards all ranks are in the call, and
  /// nobody spins longer than the transfer takes.
  func arrive() throws(CommunicationError) {
    if waiting == .sleeping { try sleepUntilAllArrive() }
  }

  /// A barrier that looks rarely. MPI has no call that waits without spinning, so this one asks and sleeps, the
  /// longer the longer it has waited.
  private func sleepUntilAllArrive() throws(CommunicationError) {
    var request = unsafe espalier_mpi_request_null()
    try check(unsafe MPI_Ibarrier(handle, &request), "MPI_Ibarrier on \(place)")
    var pause = 2e-5
    while true {
      var isComplete: Int32 = 0
      try check(unsafe MPI_Test(&request, &isComplete, espalier_mpi_status_ignore()), "MPI_Test on \(place)")
      if isComplete != 0 { return }
      Thread.sleep(forTimeInterval: pause)
      pause = min(pause * 2, 5e-4)
    }
  }
}
