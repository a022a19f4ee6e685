internal import Artifacts
import Checkpoints
import Communication
import Compute
import Foundation
import MPITestSupport
import Pipeline
import TestSupport
import Testing

/// What ranks make sure of at the beginning of every phase. Collective: see ``TestWorld``.
@Suite(.serialized) struct PhaseAgreementRanksTests {
  private let communicator: any Communicator
  private let request = StopRequest()
  private let recorder: PhaseRecorder
  private var isLast: Bool { communicator.rank == communicator.size - 1 }

  init() throws {
    communicator = try TestWorld.communicator("phase agreement")
    let session = Session(
      communicator: communicator, console: Console(isSpeaking: false), stopRequest: request
    ) { _, _, _ in ReferenceBackend() }
    recorder = PhaseRecorder(session, backends: [])
  }

  /// The error that a phase ends with before its work, the same on every rank; nil: it did its work.
  private func failure(_ phase: String) throws -> (any Error)? {
    var hasWorked = false
    do {
      try recorder.run(phase) { hasWorked = true }
      #expect(hasWorked)
      return nil
    } catch {
      #expect(!hasWorked)
      let lines = Set(try communicator.gather(Array("\(error)".utf8)))
      #expect(lines.count == 1)
      return error
    }
  }

  @Test func whatDiffersIsNamed() throws {
    recorder.hold("model", "aa")
    recorder.hold("plan", "bb")
    #expect(try failure("repack") == nil)
    recorder.hold("plan", isLast ? "dd" : "cc")
    let error = try failure("evaluate") as? CommunicationError
    guard communicator.size > 1 else { return #expect(error == nil) }
    #expect(error?.code == .disagreement)
    let last = communicator.size - 1
    #expect(error?.message.hasPrefix("rank \(last) has a different plan (dd; rank") == true)
    recorder.hold("plan", "cc")
    #expect(try failure("evaluate") == nil)
  }

  @Test func aRankThatHoldsMoreIsNamed() throws {
    recorder.hold("model", "aa")
    if isLast { recorder.hold("gates", "bb") }
    let error = try failure("repack") as? CommunicationError
    guard communicator.size > 1 else { return #expect(error == nil) }
    #expect(error?.message.hasPrefix("at \"repack\" rank \(communicator.size - 1) has model, gates and rank") == true)
  }

  @Test func aRankInAnotherPhaseIsNamed() throws {
    let error = try failure(isLast ? "repack" : "tune") as? CommunicationError
    guard communicator.size > 1 else { return #expect(error == nil) }
    #expect(error?.message.contains("rank \(communicator.size - 1) at \"repack\" while rank") == true)
  }

  /// Whichever rank sees it first.
  @Test(arguments: ["config.json", "model.safetensors"]) func aChangedModelStopsAllRanks(name: String) throws {
    let folder = try TemporaryFolder()
    for file in ["config.json", "model.safetensors"] {
      try folder.write(TemporaryFolder.bytes(of: "\(Fixtures.demoModel)/\(file)"), to: file)
    }
    recorder.watch(CheckpointStamp(try CheckpointFolder(path: folder.path)))
    #expect(try failure("score") == nil)
    if isLast {
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1_000_000)], ofItemAtPath: "\(folder.path)/\(name)")
    }
    let error = try #require(try failure("repack") as? PeerFailure)
    #expect(error.exitCode == ExitCode.data && error.rank == communicator.size - 1)
    #expect(error.line.contains("\(name) changed while the run was reading it"))
    try communicator.barrier()
  }

  @Test func aMissingFileStopsAllRanks() throws {
    let folder = try TemporaryFolder()
    for file in ["config.json", "model.safetensors"] {
      try folder.write(TemporaryFolder.bytes(of: "\(Fixtures.demoModel)/\(file)"), to: file)
    }
    recorder.watch(CheckpointStamp(try CheckpointFolder(path: folder.path)))
    if isLast { try FileManager.default.removeItem(atPath: "\(folder.path)/model.safetensors") }
    let error = try #require(try failure("repack") as? PeerFailure)
    #expect(error.line.contains("model.safetensors was removed while"))
    try communicator.barrier()
  }

  /// Between phases, and not inside one, where its stage saves first.
  @Test func aSignalOnOneRankStopsAll() throws {
    if isLast { request.ask(signal: 15) }
    let error = try failure("repack") as? StoppedError
    #expect(error?.signal == 15 && error?.saved == "everything before repack")
    #expect(error.map(ExitCode.code) == ExitCode.stopped)
  }

  @Test func aSignalInsideAPhaseIsTheStages() throws {
    var hasWorked = false
    try recorder.run("tune") {
      if isLast { request.ask(signal: 15) }
      try recorder.run("score") { hasWorked = true }
    }
    #expect(hasWorked)
    #expect(try failure("repack") is StoppedError)
  }

  /// A phase inside another counts once: all together take no longer than they took.
  @Test func phasesInsideOthersCountOnce() throws {
    let start = ContinuousClock.now
    try recorder.run("tune") { try recorder.run("score") { Thread.sleep(forTimeInterval: 0.1) } }
    let elapsed = start.duration(to: .now) / .seconds(1)
    let phases = try recorder.gathered()
    #expect(phases.map(\.name) == ["score", "tune"])
    let seconds = try phases.map { try #require($0.seconds)[communicator.rank] }
    #expect(seconds.allSatisfy { $0 >= 0 } && seconds[0] >= 0.1 && seconds[0] + seconds[1] <= elapsed)
  }
}
