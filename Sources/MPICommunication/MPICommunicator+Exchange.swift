import COpenMPI
public import Communication

extension MPICommunicator {
  /// Rank by rank: in turn s this rank sends to the rank s further and receives from the one s before, so that every
  /// link carries one transfer each way at a time.
  public func exchange(_ parts: [[UInt8]]) throws(CommunicationError) -> [[UInt8]] {
    try requirePartPerRank(parts.count)
    heartbeat?.beginWait()
    defer { heartbeat?.endWait() }
    try arrive()
    let lengths = try exchangeLengths(parts.map(\.count))
    var received: [[UInt8]] = []
    for (source, length) in lengths.enumerated() {
      guard length >= 0 else {
        throw CommunicationError(.library, "rank \(source) announced \(length) bytes; its memory is damaged")
      }
      received.append(source == rank ? parts[rank] : [UInt8](repeating: 0, count: length))
    }
    for turn in 1..<size {
      let source = (rank + size - turn) % size
      try transfer(parts[(rank + turn) % size], to: (rank + turn) % size, and: &received[source], from: source)
    }
    return received
  }

  /// How many bytes every rank will send here.
  private func exchangeLengths(_ lengths: [Int]) throws(CommunicationError) -> [Int] {
    let mine = lengths.map { Int64($0) }
    var theirs = [Int64](repeating: 0, count: size)
    let status = unsafe theirs.withUnsafeMutableBytes { buffer in
      unsafe MPI_Alltoall(mine, 1, espalier_mpi_int64(), buffer.baseAddress, 1, espalier_mpi_int64(), handle)
    }
    try check(status, "MPI_Alltoall on \(place)")
    return theirs.map { Int($0) }
  }

  /// Sends and receives, piece by piece of at most `messageBytes`.
  ///
  /// Piece k goes out in the same call in which piece k comes in; where one side has fewer, the other goes on with
  /// nobody there. It cannot deadlock: of all ranks the one that is furthest back, by turn and then by piece, waits for
  /// partners of which none is further back, so each has reached or passed the matching half.
  private func transfer(
    _ sent: [UInt8], to destination: Int, and received: inout [UInt8], from source: Int
  ) throws(CommunicationError) {
    let outgoing = Array(messages(of: sent.count, stride: 1))
    let incoming = Array(messages(of: received.count, stride: 1))
    for piece in 0..<max(outgoing.count, incoming.count) {
      let out = piece < outgoing.count ? outgoing[piece] : nil
      let into = piece < incoming.count ? incoming[piece] : nil
      let status = unsafe sent.withUnsafeBytes { sent in
        unsafe received.withUnsafeMutableBytes { received in
          unsafe MPI_Sendrecv(
            sent.baseAddress.map { unsafe $0 + (out?.lowerBound ?? 0) }, Int32(out?.count ?? 0), espalier_mpi_byte(),
            out == nil ? espalier_mpi_proc_null() : Int32(destination), 0,
            received.baseAddress.map { unsafe $0 + (into?.lowerBound ?? 0) }, Int32(into?.count ?? 0),
            espalier_mpi_byte(), into == nil ? espalier_mpi_proc_null() : Int32(source), 0, handle,
            espalier_mpi_status_ignore())
        }
      }
      try check(status, "MPI_Sendrecv to rank \(destination) and from rank \(source), on \(place),")
    }
  }
}
