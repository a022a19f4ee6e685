internal import Artifacts
internal import Communication
internal import Glibc

/// How ranks of one host pass messages: short ones through /dev/shm, long ones by reading each other's memory.
enum DoctorNeighbors {
  /// Why this rank may not read memory of the next rank on its host; nil: it may, or there is none. Collective.
  ///
  /// Open MPI has asked for its permission by then, as a run's would.
  static func problem(hosts: [String], communicator: any Communicator) throws -> String? {
    let mark = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
    unsafe mark.pointee = marked
    defer { unsafe mark.deallocate() }
    let processes = try communicator.gather(Double(getpid()))
    let addresses = try communicator.gather(Double(bitPattern: UInt64(UInt(bitPattern: mark))))
    let rank = communicator.rank
    let neighbors = hosts.indices.filter { hosts[$0] == hosts[rank] }
    let place = neighbors.firstIndex(of: rank) ?? 0
    let next = neighbors[(place + 1) % neighbors.count]
    var problem: String?
    // Not in Swift's Glibc.
    typealias Read =
      @convention(c) (pid_t, UnsafePointer<iovec>, UInt, UnsafePointer<iovec>, UInt, UInt) -> Int
    let read = unsafe dlsym(nil, "process_vm_readv").map { unsafe unsafeBitCast($0, to: Read.self) }
    if next != rank {
      var seen: UInt64 = 0
      let count = unsafe withUnsafeMutablePointer(to: &seen) { own in
        var local = unsafe iovec(iov_base: own, iov_len: 8)
        var remote = unsafe iovec(
          iov_base: UnsafeMutableRawPointer(bitPattern: UInt(addresses[next].bitPattern)), iov_len: 8)
        return unsafe read?(pid_t(processes[next]), &local, 1, &remote, 1, 0) ?? 8
      }
      if count != 8 { problem = unsafe String(cString: strerror(errno)) }
    }
    // Until all have read.
    try communicator.barrier()
    return problem
  }

  private static let marked: UInt64 = 0x6573_7061_6C69_6572
}

extension DoctorChecks {
  /// Bytes of /dev/shm that Open MPI takes for a rank, with some to spare.
  private static let sharedBytesPerRank = 8 << 20

  /// Whether ranks of a host can pass messages as Open MPI does by itself; nil where no host has two.
  var sharedMemory: DoctorCheck? {
    let several = hosts.filter { $0.ranks.count > 1 }
    guard !several.isEmpty else { return nil }
    for host in several {
      let needed = Self.sharedBytesPerRank * host.ranks.count
      guard let free = host.ranks.compactMap(\.sharedMemoryBytes).min() else {
        return .warning(
          "shared memory", "\(host.name) has no /dev/shm",
          "mount one, or pass messages otherwise: mpirun --mca btl ^vader")
      }
      if free < needed {
        return .warning(
          "shared memory",
          "\(ByteSize(bytes: free).rounded) free in /dev/shm on \(host.name), where \(host.ranks.count) ranks may take "
            + ByteSize(bytes: needed).rounded,
          "make it larger (docker run --shm-size=1g), remove what others left there, or pass messages otherwise: mpirun "
            + "--mca btl ^vader")
      }
      if let rank = host.ranks.first(where: { $0.neighborProblem != nil }), let problem = rank.neighborProblem {
        return .warning(
          "shared memory", "rank \(rank.rank) on \(host.name) may not read its neighbor's memory (\(problem))",
          "pass long messages otherwise: mpirun --mca btl_vader_single_copy_mechanism none; or allow it "
            + "(kernel.yama.ptrace_scope=0, docker run --cap-add=SYS_PTRACE)")
      }
    }
    return .ok("shared memory", "/dev/shm has room, and ranks of a host read each other's memory")
  }

  /// Variables of a launcher that seems not to have started this process.
  var strayLaunch: DoctorCheck? {
    guard facts.count == 1, let names = facts.first?.strayVariables, !names.isEmpty else { return nil }
    return .warning(
      "launcher",
      "\(names.joined(separator: ", ")) in the environment, but this rank sees no other: a shell inside a job's step?",
      "unset it (env -u \(names[0]) espalier …) where one rank is wanted, or start ranks by mpirun or srun --mpi=pmix")
  }
}
