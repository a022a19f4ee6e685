public import Communication
internal import Foundation
public import MPICommunication

/// The ranks that `mpirun` started this test process among.
///
/// Collective suites are serialized, and their names end in `RanksTests`: every rank runs their tests in the same order.
/// One launch runs them all, because `--no-parallel` also puts suites in order:
/// `mpirun -np N …PackageTests.xctest --testing-library swift-testing --no-parallel --filter RanksTests`.
public enum TestWorld {
  /// One session for the whole process, finalized when it exits.
  private static let session: Result<MPISession, CommunicationError> = {
    do throws(CommunicationError) {
      let session = try MPISession()
      atexit { try? TestWorld.session.get().finalize() }
      return .success(session)
    } catch {
      return .failure(error)
    }
  }()

  /// MPI's group of all ranks; one rank without `mpirun`.
  public static var allRanks: MPICommunicator {
    get throws { try session.get().world }
  }

  /// A communicator of all ranks for one test. Collective under `mpirun`, where it first makes sure that all ranks are in
  /// the same test; without `mpirun` it needs no MPI, so that suites may run side by side.
  public static func communicator(_ test: String = #function) throws -> any Communicator {
    guard MPISession.isLaunchedByMPI else { return SoloCommunicator() }
    let world = try allRanks
    try world.requireAgreement(on: "test", digest: test)
    return try world.duplicate()
  }
}
