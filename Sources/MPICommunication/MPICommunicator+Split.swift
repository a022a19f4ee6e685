import COpenMPI
public import Communication

extension MPICommunicator {
  public func split(color: Int) throws(CommunicationError) -> any Communicator {
    guard let number = Int32(exactly: color), number >= 0 else {
      throw CommunicationError(.invalidArgument, "color \(color) of a group; give a number from 0 to \(Int32.max)")
    }
    var group = unsafe espalier_mpi_comm_null()
    try check(unsafe MPI_Comm_split(handle, number, Int32(rank), &group), "MPI_Comm_split on \(place)")
    guard let group = unsafe group else {
      throw CommunicationError(.library, "MPI_Comm_split gave no communicator on \(place); report this MPI's version")
    }
    return try unsafe MPICommunicator(
      handle: group, isOwned: true, waiting: waiting, messageBytes: messageBytes, heartbeat: heartbeat)
  }
}
