import Communication
import CommunicationTestSupport
import Foundation
import MPICommunication

/// The communicators on which every collective check runs.
enum TestGroup: String, CaseIterable, Sendable {
  case world, duplicate, sleeping
  /// Messages of 40 bytes: every longer transfer goes in pieces, the last of them short.
  case chunked, chunkedSleeping

  /// One session for the whole process, finalized when it exits.
  private static let session: Result<MPISession, CommunicationError> = {
    do throws(CommunicationError) {
      let session = try MPISession()
      atexit { try? TestGroup.session.get().finalize() }
      return .success(session)
    } catch {
      return .failure(error)
    }
  }()

  static var allRanks: MPICommunicator {
    get throws { try session.get().world }
  }

  /// The checks on this communicator. Collective. It first makes sure that all ranks are in the same test, since a
  /// collective suite is only sound if the ranks run its tests in the same order.
  func contract(_ test: String = #function, _ argument: Int = 0) throws -> CommunicatorContract {
    let world = try Self.allRanks
    try world.requireAgreement(on: "test", digest: "\(test) \(rawValue) \(argument)")
    return switch self {
    case .world: CommunicatorContract(world)
    case .duplicate: CommunicatorContract(try world.duplicate())
    case .sleeping: CommunicatorContract(try world.duplicate(waiting: .sleeping))
    case .chunked: CommunicatorContract(try world.duplicate(waiting: .spinning, messageBytes: 40))
    case .chunkedSleeping: CommunicatorContract(try world.duplicate(waiting: .sleeping, messageBytes: 40))
    }
  }
}
