import COpenMPI
import Communication

/// Turns the status of an MPI call into an error that carries MPI's own words. Every call's status comes through here.
///
/// - Parameter operation: the call's name and, where it helps, its rank.
func check(_ status: Int32, _ operation: @autoclosure () -> String) throws(CommunicationError) {
  guard status != MPI_SUCCESS else { return }
  throw CommunicationError(
    .library, "\(operation()) failed: \(message(of: status)); look for a lost host or connection in mpirun's output")
}

private func message(of status: Int32) -> String {
  let capacity = Int(MPI_MAX_ERROR_STRING)
  let text = unsafe String(unsafeUninitializedCapacity: capacity + 1) { buffer in
    var length: Int32 = 0
    let result = unsafe buffer.withMemoryRebound(to: CChar.self) {
      unsafe MPI_Error_string(status, $0.baseAddress, &length)
    }
    return result == MPI_SUCCESS ? min(Int(length), capacity) : 0
  }
  return text.isEmpty ? "MPI error \(status)" : text
}
