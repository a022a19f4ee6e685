import Communication
import CommunicationTestSupport
import MPICommunication
import MPITestSupport

/// The communicators on which every collective check runs.
enum TestGroup: String, CaseIterable, Sendable {
  case world, duplicate, sleeping
  /// Messages of 40 bytes: every longer transfer goes in pieces, the last of them short.
  case chunked, chunkedSleeping

  static var allRanks: MPICommunicator {
    get throws { try TestWorld.allRanks }
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
