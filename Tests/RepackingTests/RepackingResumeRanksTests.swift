import Architectures
import Artifacts
import Checkpoints
import Communication
import Foundation
import MPITestSupport
import ModelTestSupport
import Repacking
import TestSupport
import Testing

/// A write that was cut short goes on with the shards that are whole. Collective: see ``TestWorld``.
@Suite(.serialized) struct RepackingResumeRanksTests {
  struct Enough: Error {}

  /// A folder that all ranks share, and what a write into it told.
  final class Stage {
    let communicator: any Communicator
    let model: Model
    let path: String
    private(set) var said: [String] = []
    private let parent: TemporaryFolder?

    init(_ test: String = #function) throws {
      communicator = try TestWorld.communicator(test)
      model = try Model(path: Fixtures.model("tiny-llama"))
      parent = communicator.rank == 0 ? try TemporaryFolder() : nil
      path = String(
        decoding: try communicator.broadcast(Array((parent?.file("out") ?? "").utf8), root: 0), as: UTF8.self)
    }

    /// Writes until so many rounds of shards are over.
    func write(_ plan: PruningPlan?, rounds: Int? = nil, seed: UInt64? = nil) throws {
      var hooks = Repacker.Hooks(exitCode: { _ in 70 })
      var count = 0
      hooks.pause = { _, _ in
        count += 1
        if count == rounds { throw Enough() }
      }
      hooks.keepsShards = { $0 is Enough }
      said = []
      hooks.say = { if !tellsWhatStaysBehind($0) { self.said.append($0) } }
      let edits = seed.map { TensorEdits.random(for: model, seed: $0) } ?? TensorEdits()
      _ = try Repacked.write(
        model, plan, edits: edits, to: path, layout: nil, maximumShardBytes: 20_000, communicator: communicator,
        hooks: hooks)
    }

    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }
    var shards: [String] { names.filter { $0.hasSuffix(".safetensors") } }

    /// On rank 0, while the others wait.
    func onFirst(_ body: () throws -> Void) throws {
      try communicator.barrier()
      if communicator.rank == 0 { try body() }
      try communicator.barrier()
    }

    func isEqual(to solo: Repacked) throws {
      try onFirst {
        #expect(names == solo.names)
        for name in solo.names {
          let own = try TemporaryFolder.bytes(of: "\(path)/\(name)")
          let wanted = try solo.bytes(name)
          #expect(own == wanted, "\(name)")
        }
      }
    }
  }

  /// Of shards that are whole none is written again, of those that are not every one; the files are an undisturbed write's.
  @Test func goesOn() throws {
    let stage = try Stage()
    let plan = try PruningPlan.random(for: stage.model.blueprint, seed: 17)
    let solo = try Repacked(stage.model, plan, maximumShardBytes: 20_000)
    let all = solo.names.filter { $0.hasSuffix(".safetensors") }
    let size = stage.communicator.size
    #expect(throws: Enough.self) { try stage.write(plan, rounds: 1) }
    var dates: [String: Date] = [:]
    try stage.onFirst {
      #expect(stage.shards == Array(all.prefix(size)))
      #expect(stage.names.contains(".espalier-unfinished") && stage.names.contains(".espalier-shards.json"))
      // One is damaged, a name is left of another layout, and a kill left a piece.
      let first = "\(stage.path)/\(all[0])"
      var bytes = try TemporaryFolder.bytes(of: first)
      bytes[bytes.count / 2] ^= 1
      try Data(bytes).write(to: URL(filePath: first))
      try Data([1]).write(to: URL(filePath: "\(stage.path)/model-00001-of-00099.safetensors"))
      try Data([1]).write(to: URL(filePath: "\(stage.path)/.\(all[0]).partial-77-1"))
      for name in stage.shards { dates[name] = try Self.date("\(stage.path)/\(name)") }
    }
    try stage.write(plan)
    #expect(stage.said.first == "\(stage.path)/\(all[0]): not as it was written; it is written again")
    #expect(stage.said.count == (size > 1 ? 2 : 1))
    if size > 1 { #expect(stage.said.last == "continues: \(size - 1) of \(all.count) weight files are there") }
    try stage.onFirst {
      for name in all.prefix(size).dropFirst() {
        let date = try Self.date("\(stage.path)/\(name)")
        #expect(date == dates[name], "\(name)")
      }
    }
    try stage.isEqual(to: solo)
  }

  /// The same on another number of ranks.
  @Test func onAnotherNumberOfRanks() throws {
    let stage = try Stage()
    let plan = try PruningPlan.random(for: stage.model.blueprint, seed: 17)
    let solo = try Repacked(stage.model, plan, maximumShardBytes: 20_000)
    try stage.onFirst {
      var hooks = Repacker.Hooks(exitCode: { _ in 70 })
      hooks.pause = { whole, _ in if whole == 2 { throw Enough() } }
      hooks.keepsShards = { $0 is Enough }
      #expect(throws: Enough.self) {
        try Repacked.write(
          stage.model, plan, to: stage.path, layout: nil, maximumShardBytes: 20_000, communicator: SoloCommunicator(),
          hooks: hooks)
      }
    }
    try stage.write(plan)
    #expect(stage.said.count == 1 && stage.said.first?.hasPrefix("continues: 2 of ") == true)
    try stage.isEqual(to: solo)
  }

  /// Shards of another plan, or of other edits, are not taken.
  @Test(arguments: [false, true]) func othersAreNotTaken(hasOtherEdits: Bool) throws {
    let stage = try Stage("\(#function) \(hasOtherEdits)")
    let plan = try PruningPlan.random(for: stage.model.blueprint, seed: 17)
    let other = hasOtherEdits ? plan : try PruningPlan.random(for: stage.model.blueprint, seed: 18)
    #expect(throws: Enough.self) { try stage.write(other, rounds: 1, seed: 3) }
    try stage.write(plan, seed: 4)
    #expect(stage.said.isEmpty)
    try stage.isEqual(
      to: try Repacked(
        stage.model, plan, edits: TensorEdits.random(for: stage.model, seed: 4), maximumShardBytes: 20_000))
  }

  /// A damaged manifest names nothing, whatever byte of it is: every shard is written again.
  @Test func damagedManifest() throws {
    let stage = try Stage()
    let plan = try PruningPlan.random(for: stage.model.blueprint, seed: 17)
    let solo = try Repacked(stage.model, plan, maximumShardBytes: 20_000)
    #expect(throws: Enough.self) { try stage.write(plan, rounds: 1) }
    try stage.onFirst {
      let parent = try TemporaryFolder()
      let manifest = try TemporaryFolder.bytes(of: stage.path + "/.espalier-shards.json")
      let shards = stage.shards
      try Damage.each(of: manifest, limit: 25) { damaged, what in
        let path = try parent.makeFolder("out")
        try parent.write("", to: "out/.espalier-unfinished")
        // What it names does not have to be whole: it must not be looked at.
        for name in shards { try parent.write("none", to: "out/\(name)") }
        try parent.write(damaged, to: "out/.espalier-shards.json")
        var said: [String] = []
        var hooks = Repacker.Hooks(exitCode: { _ in 70 })
        hooks.say = { if !tellsWhatStaysBehind($0) { said.append($0) } }
        _ = try Repacked.write(
          stage.model, plan, to: path, layout: nil, maximumShardBytes: 20_000, communicator: SoloCommunicator(),
          hooks: hooks)
        #expect(said.isEmpty, "\(what): \(said)")
        #expect(try parent.read("out/\(shards[0])") == solo.bytes(shards[0]), "\(what)")
        try FileManager.default.removeItem(atPath: path)
      }
    }
  }

  private static func date(_ path: String) throws -> Date? {
    try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
  }
}

/// Which files of the model's folder are left is CarriedOverTests' matter.
private func tellsWhatStaysBehind(_ line: String) -> Bool { line.hasPrefix("not carried over") }
