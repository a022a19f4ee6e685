import Artifacts
import CPUCompute
import Communication
import Compute
import Foundation
import MPITestSupport
import Pipeline
import TestSupport
import Testing

/// Saved states on any number of ranks. Collective: see ``TestWorld``.
@Suite(.serialized) struct StateStoreRanksTests {
  /// A folder that all ranks of a test share, removed at its end.
  final class Stage {
    let communicator: any Communicator
    let folder: String
    private let temporary: TemporaryFolder?

    init(_ test: String = #function) throws {
      communicator = try TestWorld.communicator(test)
      temporary = communicator.rank == 0 ? try TemporaryFolder() : nil
      folder = String(decoding: try communicator.broadcast(Array((temporary?.path ?? "").utf8), root: 0), as: UTF8.self)
    }

    var store: StateStore { store("tune") }

    func store(_ name: String) -> StateStore {
      let session = Session(communicator: communicator, console: Console(isSpeaking: false)) { _, _, _ in
        ReferenceBackend()
      }
      return StateStore(folder: folder, name: name, session: session)
    }

    /// The names in the state's folder, when all ranks have come here.
    func names() throws -> [String] {
      try communicator.barrier()
      defer { try? communicator.barrier() }
      return (try? FileManager.default.contentsOfDirectory(atPath: folder + "/state").sorted()) ?? []
    }

    /// Changes a file on rank 0, between two collective calls.
    func change(_ name: String, _ body: (inout Data) -> Void) throws {
      try communicator.barrier()
      if communicator.rank == 0 {
        let url = URL(filePath: "\(folder)/state/\(name)")
        var data = try Data(contentsOf: url)
        body(&data)
        try data.write(to: url)
      }
      try communicator.barrier()
    }
  }

  func shared(_ step: Int) -> SavedState {
    var state = SavedState()
    state.arrays["logits"] = (0..<50).map { Float($0 * step) }
    state.values["step"] = "\(step)"
    return state
  }

  func own(_ step: Int, _ rank: Int) -> SavedState {
    var state = SavedState()
    state.arrays["residual"] = [Float(step), Float(rank)]
    return state
  }

  /// Every rank gets its own back, and the newest state counts.
  @Test func newestIsLoaded() throws {
    let stage = try Stage()
    let rank = stage.communicator.rank
    #expect(try stage.store.load(digest: "d") == nil)
    for step in [20, 40, 60] {
      try stage.store.save(step: step, digest: "d", shared: shared(step), own: own(step, rank))
      let loaded = try #require(try stage.store.load(digest: "d"))
      #expect(loaded.step == step && loaded.shared == shared(step) && loaded.own == own(step, rank))
    }
    // The newest, the one before, and nothing else.
    let ranks = (0..<stage.communicator.size).map { $0 }
    let files = [40, 60].flatMap { step in
      ranks.map { "tune-0000\(step).rank-\($0).safetensors" } + ["tune-0000\(step).safetensors"]
    }
    #expect(try stage.names() == (files + ["tune.json"]).sorted())
    try stage.store.remove()
    #expect(try stage.names().isEmpty && stage.store.load(digest: "d") == nil)
    try stage.store.remove()
  }

  /// Ranks without anything of their own write nothing; two stages do not meet.
  @Test func onlySomeHaveTheirOwn() throws {
    let stage = try Stage()
    let isLast = stage.communicator.rank == stage.communicator.size - 1
    try stage.store.save(step: 1_234_567, digest: "d", shared: shared(1), own: isLast ? own(1, 9) : nil)
    try stage.store("recover").save(step: 2, digest: "e", shared: shared(2), own: nil)
    let loaded = try #require(try stage.store.load(digest: "d"))
    #expect(loaded.step == 1_234_567 && loaded.own == (isLast ? own(1, 9) : nil))
    let other = try #require(try stage.store("recover").load(digest: "e"))
    #expect(other.shared == shared(2) && other.own == nil)
    try stage.store.remove()
    #expect(try stage.names() == ["recover-000002.safetensors", "recover.json"])
    #expect(try stage.store("recover").load(digest: "e") != nil)
  }

  /// A state of other settings is not taken, and gives way to the new one.
  @Test func othersAreNotTaken() throws {
    let stage = try Stage()
    try stage.store.save(step: 5, digest: "d", shared: shared(5), own: nil)
    #expect(try stage.store.load(digest: "e") == nil)
    #expect(try stage.store.load(digest: "d")?.step == 5)
    try stage.store.save(step: 1, digest: "e", shared: shared(1), own: nil)
    #expect(try stage.names() == ["tune-000001.safetensors", "tune.json"])
    #expect(try stage.store.load(digest: "d") == nil && stage.store.load(digest: "e")?.step == 1)
  }

  /// A state of another number of ranks is taken, without what those ranks had of their own.
  @Test(arguments: [false, true]) func otherRanks(hasOwn: Bool) throws {
    let stage = try Stage("\(#function) \(hasOwn)")
    // Written by a single process into the ranks' folder.
    let solo = Session(communicator: SoloCommunicator(), console: Console(isSpeaking: false)) { _, _, _ in
      ReferenceBackend()
    }
    try stage.communicator.barrier()
    if stage.communicator.rank == 0 {
      try StateStore(folder: stage.folder, name: "tune", session: solo)
        .save(step: 9, digest: "e", shared: shared(9), own: hasOwn ? own(9, 0) : nil)
    }
    try stage.communicator.barrier()
    let (rank, isSame) = (stage.communicator.rank, stage.communicator.size == 1)
    let loaded = try #require(try stage.store.load(digest: "e"))
    #expect(loaded.step == 9 && loaded.ranks == 1 && loaded.shared == shared(9))
    #expect(loaded.own == (isSame && hasOwn ? own(9, 0) : nil) && loaded.leavesOwn == (!isSame && hasOwn))
    // It stays to go back to when these ranks save theirs.
    try stage.store.save(step: 10, digest: "e", shared: shared(10), own: own(10, rank))
    #expect(try stage.store.load(digest: "e")?.own == own(10, rank))
    try stage.change("tune-000010.safetensors") { $0.removeLast() }
    #expect(try stage.store.load(digest: "e")?.step == 9)
    try stage.store.save(step: 10, digest: "e", shared: shared(10), own: nil)
    let files = ["tune-000009", "tune-000010"] + (hasOwn ? ["tune-000009.rank-0"] : [])
    #expect(try Set(stage.names()) == Set(files.map { "\($0).safetensors" } + ["tune.json"]))
  }

  /// Whatever byte of the newest state is damaged, on whichever rank's file: all ranks go back to the one before.
  @Test(arguments: [false, true], [false, true]) func damagedStates(isOwn: Bool, isTruncated: Bool) throws {
    let stage = try Stage("\(#function) \(isOwn) \(isTruncated)")
    let rank = stage.communicator.rank
    for step in [1, 2] { try stage.store.save(step: step, digest: "d", shared: shared(step), own: own(step, rank)) }
    let name = isOwn ? "tune-000002.rank-\(stage.communicator.size - 1).safetensors" : "tune-000002.safetensors"
    var original = Data()
    try stage.change(name) { original = $0 }
    let count = Int(try stage.communicator.maximum(of: Double(original.count)))
    for place in stride(from: 0, to: count, by: 23) {
      try stage.change(name) { data in
        data = original
        if isTruncated { data = data.prefix(place) } else { data[place] ^= 0x11 }
      }
      let loaded = try #require(try stage.store.load(digest: "d"))
      #expect(loaded.step == 1 && loaded.shared == shared(1) && loaded.own == own(1, rank), "byte \(place)")
    }
    try stage.change(name) { $0 = original }
    #expect(try stage.store.load(digest: "d")?.step == 2)
    // With both damaged there is none.
    for step in [1, 2] { try stage.change("tune-00000\(step).safetensors") { $0.removeLast() } }
    #expect(try stage.store.load(digest: "d") == nil)
  }

  /// A run that went back to an older state keeps that one, not the damaged one that is later.
  @Test func goingBack() throws {
    let stage = try Stage()
    for step in [20, 40] { try stage.store.save(step: step, digest: "d", shared: shared(step), own: nil) }
    try stage.change("tune-000040.safetensors") { $0.removeLast() }
    #expect(try stage.store.load(digest: "d")?.step == 20)
    try stage.store.save(step: 30, digest: "d", shared: shared(30), own: nil)
    #expect(try stage.names() == ["tune-000020.safetensors", "tune-000030.safetensors", "tune.json"])
    try stage.change("tune-000030.safetensors") { $0.removeLast() }
    #expect(try stage.store.load(digest: "d")?.step == 20)
  }

  /// A damaged manifest names nothing; a whole file of another state is not the one that it names.
  @Test func damagedManifest() throws {
    let stage = try Stage()
    try stage.store.save(step: 1, digest: "d", shared: shared(1), own: nil)
    var original = Data()
    try stage.change("tune.json") { original = $0 }
    let count = Int(try stage.communicator.maximum(of: Double(original.count)))
    for place in stride(from: 0, to: count, by: 3) {
      for isTruncated in [false, true] {
        try stage.change("tune.json") { data in
          data = original
          if isTruncated { data = data.prefix(place) } else { data[place] ^= 0x01 }
        }
        #expect(try stage.store.load(digest: "d") == nil, "byte \(place)")
      }
    }
    try stage.change("tune.json") { $0 = Data(String(repeating: "[", count: 200_000).utf8) }
    #expect(try stage.store.load(digest: "d") == nil)
    try stage.change("tune.json") { $0 = original }
    #expect(try stage.store.load(digest: "d")?.step == 1)
    if stage.communicator.rank == 0 { try shared(7).write(to: stage.folder + "/state/tune-000001.safetensors") }
    try stage.communicator.barrier()
    #expect(try stage.store.load(digest: "d") == nil)
    // Saving goes on over any of it.
    try stage.store.save(step: 2, digest: "d", shared: shared(2), own: nil)
    #expect(try stage.store.load(digest: "d")?.step == 2)
  }

  /// What a kill leaves between a state's files and its manifest does not count, and is removed by the next.
  @Test func unfinishedSave() throws {
    let stage = try Stage()
    try stage.store.save(step: 1, digest: "d", shared: shared(1), own: nil)
    if stage.communicator.rank == 0 {
      try shared(2).write(to: stage.folder + "/state/tune-000002.safetensors")
      try Data([1]).write(to: URL(filePath: stage.folder + "/state/.tune-000003.safetensors.partial-77-1"))
      try Data([1]).write(to: URL(filePath: stage.folder + "/state/notes.txt"))
    }
    try stage.communicator.barrier()
    #expect(try stage.store.load(digest: "d")?.step == 1)
    try stage.store.save(step: 2, digest: "d", shared: shared(2), own: nil)
    #expect(
      try stage.names() == ["notes.txt", "tune-000001.safetensors", "tune-000002.safetensors", "tune.json"])
    try stage.store.remove()
    #expect(try stage.names() == ["notes.txt"])
  }

  /// A folder that cannot be is the same error on every rank.
  @Test func failuresAreShared() throws {
    let stage = try Stage()
    if stage.communicator.rank == 0 { try Data([1]).write(to: URL(filePath: stage.folder + "/state")) }
    try stage.communicator.barrier()
    let error = #expect(throws: (any Error).self) {
      try stage.store.save(step: 1, digest: "d", shared: shared(1), own: nil)
    }
    #expect(error.map { "\($0)".contains("/state") } == true, "\(String(describing: error))")
    #expect(try stage.store.load(digest: "d") == nil)
  }
}
