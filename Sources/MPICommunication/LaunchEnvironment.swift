import Foundation

/// What the launcher wrote into this process's environment, read without calling MPI.
///
/// It tells a process started alone, which needs no MPI, from one of many; and a job whose launcher belongs to
/// another MPI, where every process would believe to be alone, from one that works.
public struct LaunchEnvironment: Sendable, Equatable {
  /// The launcher as users know it: "Open MPI", "Slurm".
  public let launcher: String
  /// The rank the launcher gave this process.
  public let rank: Int?
  /// How many processes the launcher started; nil where it does not say.
  public let size: Int?

  /// The environment variables of each launcher. Those of `mpirun` stand before those of the batch system around it.
  /// Slurm's size is the job step's: a batch script, started once, has the whole job's number beside rank 0.
  private static let conventions: [(launcher: String, rank: String, size: String?, requiresSize: Bool)] = [
    ("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", false),
    ("PMI", "PMI_RANK", "PMI_SIZE", false),
    ("Slurm", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", true),
    ("PMIx", "PMIX_RANK", nil, false),
  ]

  /// Nil when no launcher has left a trace in `variables`.
  public init?(variables: [String: String]) {
    for convention in Self.conventions {
      let rank = variables[convention.rank].flatMap { Int($0) }
      let size = convention.size.flatMap { variables[$0] }.flatMap { Int($0) }
      if rank != nil && !convention.requiresSize || size != nil {
        self.launcher = convention.launcher
        self.rank = rank
        self.size = size
        return
      }
    }
    return nil
  }

  /// This process's own.
  public static let current = LaunchEnvironment(variables: ProcessInfo.processInfo.environment)
}
