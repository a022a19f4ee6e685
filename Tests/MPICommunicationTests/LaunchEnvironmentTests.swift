import Communication
import MPICommunication
import Testing

@Suite struct LaunchEnvironmentTests {
  @Test func aLoneProcessHasNone() {
    #expect(LaunchEnvironment(variables: [:]) == nil)
    #expect(LaunchEnvironment(variables: ["SLURM_PROCID": "0", "SLURM_NTASKS": "4", "PATH": "/bin"]) == nil)
    #expect(LaunchEnvironment(variables: ["PMI_RANK": "none"]) == nil)
  }

  @Test(
    arguments: [
      (["OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "3", "PMIX_RANK": "1"], "Open MPI", 1, 3),
      (["PMI_RANK": "0", "PMI_SIZE": "2"], "PMI", 0, 2),
      (["SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "8", "PMIX_RANK": "5"], "Slurm", 5, 8),
      (["PMIX_RANK": "2"], "PMIx", 2, nil),
    ] as [([String: String], String, Int, Int?)])
  func readsTheLauncher(variables: [String: String], launcher: String, rank: Int, size: Int?) throws {
    let environment = try #require(LaunchEnvironment(variables: variables))
    #expect(environment.launcher == launcher)
    #expect(environment.rank == rank)
    #expect(environment.size == size)
  }

  @Test func processesThatDoNotSeeEachOtherAreFound() throws {
    let environment = LaunchEnvironment(variables: ["PMI_RANK": "2", "PMI_SIZE": "4"])
    let error = #expect(throws: CommunicationError.self) {
      try MPISession.requireSize(1, promisedBy: environment)
    }
    #expect(error?.code == .launch)
    #expect(error?.description.hasPrefix("launched as 4 processes by PMI but MPI sees 1; ") == true)
    try MPISession.requireSize(4, promisedBy: environment)
    try MPISession.requireSize(1, promisedBy: nil)
  }

  @Test(.enabled(if: MPISession.isLaunchedByMPI)) func theLauncherKnowsThisProcess() throws {
    let size = try #require(MPISession.environmentSize)
    let rank = try #require(MPISession.environmentRank)
    #expect((0..<size).contains(rank))
  }
}
