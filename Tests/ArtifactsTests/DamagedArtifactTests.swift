import Artifacts
import Foundation
import TestSupport
import Testing

/// Whatever byte of our files is damaged, and wherever they are cut off: it is found, and nothing of them is used.
@Suite struct DamagedArtifactTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func isRefused(_ name: String, _ read: (String) throws -> Void) throws {
    let path = folder.file(name)
    let whole = try folder.read(name)
    try read(path)
    var tried = 0
    try Damage.each(of: whole) { damaged, what in
      try folder.write(damaged, to: name)
      let error = #expect(throws: (any Error).self, "\(name): \(what)") { try read(path) }
      #expect(error.map { "\($0)".contains(path) && !"\($0)".contains("\n") } == true, "\(String(describing: error))")
      tried += 1
    }
    #expect(tried > 2 * min(whole.count, 1000))
  }

  @Test func scores() throws {
    let layer = ScoreTable.Layer(attention: [1, .leastNonzeroMagnitude], mlp: (0..<16).map { Float($0) / 3 })
    try ScoreTable(layers: [layer, layer], metadata: PruningPlanTests.scores).write(to: folder.file("scores"))
    try isRefused("scores") { _ = try ScoreTable(contentsOfFile: $0) }
  }

  @Test func gates() throws {
    try GateValuesTests.gates.write(to: folder.file("gates"))
    try isRefused("gates") { _ = try GateValues(contentsOfFile: $0) }
  }

  @Test func savedState() throws {
    var state = SavedState()
    state.arrays["logits"] = (0..<40).map { Float($0) - 20 }
    state.values = ["step": "40", "note": "white space and \"quotes\""]
    try state.write(to: folder.file("state"))
    try isRefused("state") { _ = try SavedState(contentsOfFile: $0) }
  }

  @Test func plan() throws {
    try folder.write([UInt8](try PruningPlanTests.plan.fileJSON()), to: "plan.json")
    try isRefused("plan.json") { _ = try PruningPlan(contentsOfFile: $0) }
  }

  @Test func runState() throws {
    let json = try RunStateTests.state.json()
    #expect(RunState(json: json) == RunStateTests.state)
    Damage.each(of: json) { damaged, what in #expect(RunState(json: damaged) == nil, "\(what)") }
    #expect(RunState(json: [UInt8](String(repeating: "[", count: 200_000).utf8)) == nil)
  }

  /// A plan that somebody wrote needs no checksum; one that somebody changed is told what to do.
  @Test func plansByHand() throws {
    let text = String(decoding: try PruningPlanTests.plan.fileJSON(), as: UTF8.self)
    let byHand = text.replacing(/,\n  "sha256": "[0-9a-f]{64}"/, with: "").replacing("  ", with: "\t")
    #expect(!byHand.contains("sha256"))
    #expect(try PruningPlan(json: Data(byHand.utf8)) == PruningPlanTests.plan)
    for changed in [
      text.replacing("[1]", with: "[0]"), text.replacing("  ", with: "\t"),
      text.replacing("sha256\": \"", with: "sha256\": \"0"),
    ] {
      let error = #expect(throws: ArtifactError.self) { try PruningPlan(json: Data(changed.utf8)) }
      #expect(error?.code == .damaged)
      #expect(error?.message.hasSuffix("make the plan again, or remove the sha256 key if you edited it") == true)
    }
    let odd = text.replacing("sha256", with: "sha255")
    let unknown = #expect(throws: ArtifactError.self) { try PruningPlan(json: Data(odd.utf8)) }
    #expect(unknown?.message.hasPrefix("plan.json: \"sha255\" is no key of a plan") == true)
  }

  /// A file without a checksum is not taken, though it is one of ours in all else.
  @Test func scoresWithoutAChecksum() throws {
    let header = "{\"__metadata__\":{\"espalier_format\":\"scores-1\"}}"
    try folder.write(SafetensorsBytes.file(header: header, dataByteCount: 0), to: "scores")
    let error = #expect(throws: ArtifactError.self) { try ScoreTable(contentsOfFile: folder.file("scores")) }
    #expect(error?.code == .damaged)
    #expect(error?.message.hasSuffix("has no checksum (sha256); make it with `espalier score`") == true)
  }
}
