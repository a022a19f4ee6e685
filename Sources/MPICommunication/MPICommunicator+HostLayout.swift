import COpenMPI
public import Communication

extension MPICommunicator {
  public func hostLayout() throws(CommunicationError) -> HostLayout {
    heartbeat?.beginWait()
    defer { heartbeat?.endWait() }
    let names = try gather(processorName())
    var host = unsafe espalier_mpi_comm_null()
    let status = unsafe MPI_Comm_split_type(
      handle, Int32(MPI_COMM_TYPE_SHARED), Int32(rank), espalier_mpi_info_null(), &host)
    try check(status, "MPI_Comm_split_type on \(place)")
    var ranks: Int32 = 0
    var number: Int32 = 0
    try check(unsafe MPI_Comm_size(host, &ranks), "MPI_Comm_size")
    try check(unsafe MPI_Comm_rank(host, &number), "MPI_Comm_rank")
    try check(unsafe MPI_Comm_free(&host), "MPI_Comm_free")
    return HostLayout(
      hostNames: names.map { String(decoding: $0, as: UTF8.self) }, ranksOnThisHost: Int(ranks),
      rankOnThisHost: Int(number))
  }

  private func processorName() throws(CommunicationError) -> [UInt8] {
    var length: Int32 = 0
    var name = [CChar](repeating: 0, count: Int(MPI_MAX_PROCESSOR_NAME) + 1)
    try check(unsafe MPI_Get_processor_name(&name, &length), "MPI_Get_processor_name")
    return name.prefix(Int(length)).map { UInt8(bitPattern: $0) }
  }
}
