import Artifacts
import Testing

/// What an unfinished run notes, and what tells two runs apart.
@Suite struct RunStateTests {
  static let state: RunState = {
    var state = RunState(
      verb: "prune", version: "1.2.3",
      keys: [.init(name: "allocation.sparsity", value: "0.3"), .init(name: "scoring.seed", value: "0")],
      inputs: [.init(name: "model m", value: "cafe0123456789"), .init(name: "recovery.text", value: "")])
    state.finish(.init(name: "evaluate dense", files: [:], outputFiles: [:], numbers: [.infinity, 0.1 + 0.2]))
    state.finish(.init(name: "score", files: ["scores.safetensors": "a1"], outputFiles: [:], numbers: []))
    state.finish(.init(name: "allocate", files: ["plan.json": "b2"], outputFiles: [:], numbers: []))
    state.resumed = 2
    state.report = RunReport(
      espalierVersion: "1.2.3", model: .init(path: "m", hash: "cafe"),
      resources: .init(ranks: 2, hosts: ["a\"b"], threads: 1, backend: "cpu"))
    return state
  }()

  @Test func readsAgain() throws {
    let json = try Self.state.json()
    let read = try #require(RunState(json: json))
    #expect(read == Self.state && read.phase("evaluate dense")?.numbers == [.infinity, 0.1 + 0.2])
    #expect(try read.json() == json)
  }

  /// A file belongs to the phase that wrote it last, and a phase that is forgotten takes those after it along.
  @Test func phases() {
    var state = Self.state
    state.finish(
      .init(name: "tune", files: ["plan.json": "c3", "gates.safetensors": "d4"], outputFiles: [:], numbers: []))
    #expect(state.phase("allocate")?.files == [:] && state.phase("score")?.files == ["scores.safetensors": "a1"])
    state.finish(.init(name: "repack", files: [:], outputFiles: ["config.json": "e5"], numbers: []))
    state.forget(from: "tune")
    #expect(state.phases.map(\.name) == ["evaluate dense", "score", "allocate"])
    state.forget(from: "no such phase")
    #expect(state.phases.count == 3)
    state.finish(.init(name: "score", files: ["scores.safetensors": "f6"], outputFiles: [:], numbers: []))
    #expect(state.phases.map(\.name) == ["evaluate dense", "allocate", "score"])
  }

  @Test func differences() {
    let own = Self.state
    func difference(_ change: (inout RunState) -> Void) -> String? {
      var other = own
      change(&other)
      return own.difference(to: other)
    }
    #expect(difference { _ in } == nil)
    #expect(difference { ($0.phases, $0.report, $0.resumed) = ([], nil, 0) } == nil)
    #expect(difference { $0.verb = "score" } == "not of `score`")
    #expect(difference { $0.keys[0].value = "0.4" } == "but allocation.sparsity was 0.3 and is now 0.4")
    #expect(difference { $0.keys[1].name = "new" } == "but new was unknown and is now 0")
    #expect(difference { $0.keys.removeLast() } == "but of another document")
    #expect(
      difference { $0.inputs[0].value = "beef0123456789" }
        == "but model m has changed since (SHA-256 cafe0123, now beef0123)")
    #expect(difference { $0.inputs[1].value = "1" } == "but recovery.text has changed since (SHA-256 nothing, now 1)")
    // A file that was moved holds what it held.
    let text = RunState.Entry(name: "calibration.text", value: "cafe0123456789", files: ["a.txt", "b.txt"])
    let moved = RunState.Entry(name: "calibration.text", value: "cafe0123456789", files: ["c.txt"])
    let changed = RunState.Entry(name: "calibration.text", value: "beef", files: ["c.txt"])
    let one = RunState(verb: "score", version: "1", keys: [], inputs: [text])
    #expect(one.difference(to: RunState(verb: "score", version: "1", keys: [], inputs: [moved])) == nil)
    #expect(
      one.difference(to: RunState(verb: "score", version: "1", keys: [], inputs: [changed]))
        == "but calibration.text c.txt has changed since (SHA-256 cafe0123, now beef)")
    #expect(difference { $0.version = "2" } == "but of espalier 1.2.3, not 2")
  }

  /// A run that was cut short and one that went on have one table of phases.
  @Test func joinedPhases() {
    let earlier: [RunReport.Phase] = [
      .init(name: "score", seconds: [1, 3], rate: .init(value: 10, unit: "tokens/s"), peakBytes: 5),
      .init(name: "allocate", seconds: [1, 1]),
    ]
    let later: [RunReport.Phase] = [
      .init(name: "score", seconds: [1, 1], rate: .init(value: 30, unit: "tokens/s"), peakBytes: 4),
      .init(name: "repack", seconds: [2]),
    ]
    let joined = RunReport.joined(earlier, later)
    #expect(joined.map(\.name) == ["score", "allocate", "repack"])
    #expect(joined[0].seconds == [2, 4] && joined[0].secondsMax == 4 && joined[0].secondsMean == 3)
    #expect(joined[0].rate?.value == 15 && joined[0].peakBytes == 5)
    #expect(RunReport.joined(earlier, [.init(name: "score", seconds: [1])])[0].seconds == nil)
    #expect(RunReport.joined([], later) == later)
  }
}
