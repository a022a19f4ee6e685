/// What one rank tells the others of itself and of its host.
package struct DoctorFacts: Codable, Sendable, Equatable {
  package var rank: Int
  package var host: String
  /// Espalier's version, and the beginning of the SHA-256 of the program's file.
  package var version = ""
  package var program = ""
  /// The message library as it names itself; empty for a program without one.
  package var messageLibrary = ""
  /// Ranks that launcher or batch system promise, by the environment variable that says so.
  package var promises: [String: Int] = [:]

  /// Numbers of the processors that this rank may use, ascending.
  package var processors: [Int] = []
  /// Processors that the host has, or that the batch system gave of them.
  package var hostProcessors = 0
  /// Processors' time that the control group allows; nil: no limit.
  package var quota: Double?
  package var memoryDomains = 1
  /// Threads that this rank computes with.
  package var threads = 1
  /// The processor's model.
  package var processor = ""
  package var hasAVX512 = false
  /// The backend with the kernels that OpenBLAS chose.
  package var backend = ""
  /// `OPENBLAS_CORETYPE`; nil: not set.
  package var coreType: String?
  /// float32 operations per second, while all ranks multiplied.
  package var productRate = 0.0

  /// Bytes left in /dev/shm, where ranks of a host pass messages; nil: there is none.
  package var sharedMemoryBytes: Int?
  /// Why this rank may not read the memory of its neighbor on the host, as long messages are passed; nil: it may, or has
  /// none.
  package var neighborProblem: String?
  /// Variables of a launcher that started this process, though it sees no other rank and no launcher says how many there are.
  package var strayVariables: [String] = []
  package var memoryBytes = 0
  /// Bytes that a new process could have.
  package var availableBytes = 0
  package var places: [DoctorPlace] = []
  /// What this rank's clock is ahead of rank 0's, in seconds.
  package var clockOffset = 0.0

  package var inputs: DoctorInputs?

  package init(rank: Int, host: String) {
    self.rank = rank
    self.host = host
  }
}

/// A folder that a run writes to.
package struct DoctorPlace: Codable, Sendable, Equatable {
  /// `output`, `run folder`, `temporary folder`.
  package var role: String
  /// The folder, or the nearest one above it that exists.
  package var path: String
  package var freeBytes: Int
  package var isWritable: Bool
  /// Whether a file that rank 0 made there was seen here; nil: not asked.
  package var isShared: Bool?

  package init(role: String, path: String, freeBytes: Int, isWritable: Bool) {
    self.role = role
    self.path = path
    self.freeBytes = freeBytes
    self.isWritable = isWritable
  }
}

/// What one rank sees of the files that a run reads.
package struct DoctorInputs: Codable, Sendable, Equatable {
  /// Why the model or a text cannot be used here, in one line; nil: they can.
  package var problem: String?
  /// The exit code of a run with that problem.
  package var exitCode: Int32 = 0
  /// Why a run could not read what it needs of the texts, and its exit code; nil: it could, or was not asked.
  package var textProblem: String?
  package var textExitCode: Int32 = 0
  /// What a run would read of the texts, in words; empty: not asked.
  package var texts = ""
  /// Bytes of the model's weights.
  package var modelBytes = 0
  package var files: [File] = []

  package struct File: Codable, Sendable, Equatable {
    package var path: String
    package var bytes: Int
    /// Hexadecimal SHA-256 of what was read of it.
    package var digest: String
    /// The same of all of it; nil: another rank of the host read it, or none did.
    package var wholeDigest: String?

    package init(path: String, bytes: Int, digest: String) {
      self.path = path
      self.bytes = bytes
      self.digest = digest
    }
  }

  package init() {}
}
