import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// trace.json, and prediction beside measurement in the report.
  @Suite struct TraceTests {
    struct Event {
      let name: String
      let category: String
      let rank: Int
      let track: Int
      let start: Double
      let end: Double
    }

    static func events(_ trace: [String: Any], kind: String) throws -> [[String: Any]] {
      try #require(trace["traceEvents"] as? [[String: Any]]).filter { $0["ph"] as? String == kind }
    }

    static func timed(_ trace: [String: Any]) throws -> [Event] {
      try events(trace, kind: "X").map { event in
        let start = try #require(event["ts"] as? Double)
        return Event(
          name: try #require(event["name"] as? String), category: try #require(event["cat"] as? String),
          rank: try #require(event["pid"] as? Int), track: try #require(event["tid"] as? Int), start: start,
          end: start + (try #require(event["dur"] as? Double)))
      }
    }

    /// Two ranks that broadcast their layers: a process each, events that nest, every layer twice.
    @Test func twoOwners() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(
        RankTests.arguments("out", ["--set", "resources.weights=owner"]), ranks: 2, in: workspace.path)
      try #require(launched.code == 0, "\(launched.errors)")
      let trace = try object(String(decoding: try workspace.folder.read("out.run/trace.json"), as: UTF8.self))
      let names = try Self.events(trace, kind: "M").filter { $0["name"] as? String == "process_name" }
        .compactMap { ($0["args"] as? [String: Any])?["name"] as? String }
      #expect(names.count == 2 && names[0].hasPrefix("rank 0 on ") && names[1].hasPrefix("rank 1 on "))
      let events = try Self.timed(trace)
      for rank in 0..<2 {
        let own = events.filter { $0.rank == rank }
        let phases = own.filter { $0.category == "phase" }
        #expect(
          ["evaluate dense", "score", "allocate", "repack"].allSatisfy { name in phases.contains { $0.name == name } })
        let score = try #require(phases.first { $0.name == "score" })
        let inside = own.filter { score.start <= $0.start && $0.end <= score.end + 0.01 }
        for layer in 0..<6 {
          #expect(inside.count { $0.name == "broadcast layer \(layer)" && $0.track == 1 } == 2, "rank \(rank)")
          #expect(inside.contains { $0.name == "layer \(layer) forward" && $0.track == 0 })
          #expect(inside.contains { $0.name == "layer \(layer) backward" && $0.track == 0 })
        }
        for track in 0..<2 { Self.expectNesting(own.filter { $0.track == track }) }
      }
    }

    /// Of two events on a thread one is in the other, or they are apart; times are printed in thousandths of a microsecond.
    static func expectNesting(_ events: [Event]) {
      let slack = 0.002
      var open: [Event] = []
      for event in events.sorted(by: { ($0.start, -$0.end) < ($1.start, -$1.end) }) {
        while let last = open.last, last.end <= event.start + slack { open.removeLast() }
        if let last = open.last { #expect(event.end <= last.end + slack, "\(event) leaves \(last)") }
        open.append(event)
      }
    }

    /// The report tells what was expected, and how much of the broadcasts lay under computation.
    @Test func predictions() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(
        RankTests.arguments("out", ["--set", "resources.weights=owner"]), ranks: 2, in: workspace.path)
      try #require(launched.code == 0, "\(launched.errors)")
      let report = try object(String(decoding: try workspace.folder.read("out.run/report.json"), as: UTF8.self))
      let overlap = try #require(report["overlap"] as? Double)
      #expect(overlap > 0 && overlap <= 1)
      let phases = try #require(report["phases"] as? [[String: Any]])
      for name in ["evaluate dense", "score", "repack", "evaluate one-shot"] {
        let phase = try #require(phases.first { $0["name"] as? String == name })
        #expect((phase["predicted_seconds"] as? Double ?? 0) > 0, "\(name)")
      }
      let score = try #require(phases.first { $0["name"] as? String == "score" })
      let (expected, peak) = (
        try #require(score["predicted_peak_bytes"] as? Int), try #require(score["peak_bytes"] as? Int)
      )
      #expect(expected >= peak && expected < 2 * peak)
      #expect(launched.output.contains("overlap"))
      // What travels is known to the byte but for the kept layers' rounding.
      let (predicted, moved) = (
        try #require(report["predicted_traffic_bytes"] as? Double), try #require(report["traffic_bytes"] as? Double)
      )
      #expect(abs(predicted / moved - 1) < 0.05)
    }

    /// One rank broadcasts nothing: no overlap, and a trace all the same; a verb without a run folder leaves none.
    @Test func alone() async throws {
      let workspace = try Workspace()
      let arguments = [
        "--model", Fixtures.demoModel, "--threads", "1", "--json", "--calibration-text", Workspace.valid, "--sequences",
        "2", "--run-folder", "run", "--evaluation-text", Workspace.valid, "--limit", "1", "--window", "64",
      ]
      let evaluated = try await Program.run(["evaluate"] + arguments, in: workspace.path)
      #expect(evaluated.code == 0 && workspace.everything.isEmpty, "\(evaluated.errors)")
      let scored = try await Program.run(["score"] + arguments, in: workspace.path)
      #expect(scored.code == 0, "\(scored.errors)")
      #expect(try object(scored.output)["overlap"] == nil)
      let events = try Self.timed(
        try object(String(decoding: try workspace.folder.read("run/trace.json"), as: UTF8.self)))
      #expect(events.contains { $0.name == "layer 5 backward" } && !events.contains { $0.category == "broadcast" })
      Self.expectNesting(events)
    }
  }
}
