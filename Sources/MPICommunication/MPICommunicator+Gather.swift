import COpenMPI
public import Communication

extension MPICommunicator {
  public func gather(_ bytes: [UInt8]) throws(CommunicationError) -> [[UInt8]] {
    heartbeat?.beginWait()
    defer { heartbeat?.endWait() }
    try arrive()
    let lengths = try gatherLengths(bytes.count)
    var total = 0
    for length in lengths {
      let (sum, overflow) = total.addingReportingOverflow(length)
      guard length >= 0, !overflow else {
        throw CommunicationError(.library, "a rank announced \(length) bytes to gather; its memory is damaged")
      }
      total = sum
    }
    return total <= messageBytes
      ? try gatherAtOnce(bytes, lengths: lengths, total: total) : try gatherInTurn(bytes, lengths: lengths)
  }

  /// Every rank's `length`, in rank order.
  private func gatherLengths(_ length: Int) throws(CommunicationError) -> [Int] {
    var mine = Int64(length)
    var lengths = [Int64](repeating: 0, count: size)
    let status = unsafe lengths.withUnsafeMutableBytes { buffer in
      unsafe MPI_Allgather(&mine, 1, espalier_mpi_int64(), buffer.baseAddress, 1, espalier_mpi_int64(), handle)
    }
    try check(status, "MPI_Allgather on \(place)")
    return lengths.map { Int($0) }
  }

  /// One message holds everything.
  private func gatherAtOnce(
    _ bytes: [UInt8], lengths: [Int], total: Int
  ) throws(CommunicationError) -> [[UInt8]] {
    var starts: [Int] = []
    var end = 0
    for length in lengths {
      starts.append(end)
      end += length
    }
    var all = [UInt8](repeating: 0, count: total)
    let status = unsafe all.withUnsafeMutableBytes { buffer in
      unsafe MPI_Allgatherv(
        bytes, Int32(bytes.count), espalier_mpi_byte(), buffer.baseAddress, lengths.map { Int32($0) },
        starts.map { Int32($0) }, espalier_mpi_byte(), handle)
    }
    try check(status, "MPI_Allgatherv on \(place)")
    return zip(starts, lengths).map { start, length in Array(all[start..<(start + length)]) }
  }

  /// More than one message holds: each rank broadcasts its own.
  private func gatherInTurn(_ bytes: [UInt8], lengths: [Int]) throws(CommunicationError) -> [[UInt8]] {
    var gathered: [[UInt8]] = []
    for (root, length) in lengths.enumerated() {
      var piece = root == rank ? bytes : [UInt8](repeating: 0, count: length)
      var span = piece.mutableSpan
      var raw = unsafe span.mutableBytes
      try broadcast(&raw, root: root)
      gathered.append(piece)
    }
    return gathered
  }
}
