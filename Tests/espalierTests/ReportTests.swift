import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// report.html beside report.json, and `espalier report`, which writes it again.
  @Suite struct ReportTests {
    @Test func isWrittenAndWrittenAgain() async throws {
      let workspace = try Workspace()
      let pruned = try await Program.run(Workspace.smallRun, in: workspace.path)
      try #require(pruned.code == 0, "\(pruned.errors)")
      let written = try workspace.folder.read("out.run/report.html")
      let html = String(decoding: written, as: UTF8.self)
      for text in ["<h2>Kept by layer</h2>", "asked 30.00 %", "<pre># Every key of the run"] {
        #expect(html.contains(text), "\(text)")
      }

      try FileManager.default.removeItem(atPath: workspace.folder.file("out.run/report.html"))
      for ranks in [nil, 2] {
        let again = try await Program.run(["report", "out.run"], ranks: ranks, in: workspace.path)
        #expect(again.code == 0 && again.output == "out.run/report.html\n", "\(again.errors)")
        #expect(try workspace.folder.read("out.run/report.html") == written && again.errors.isEmpty)
      }

      // Nothing was trained: a metrics.jsonl that lies there is of another run, and is not read.
      try workspace.folder.write("not JSON\n", to: "out.run/metrics.jsonl")
      let noted = try await Program.run(["report", "out.run"], in: workspace.path)
      #expect(noted.code == 0)
      #expect(
        noted.errors
          == "espalier: warning: metrics.jsonl is of an earlier training, and has no part in this\n")
      let pageOfOne = try workspace.folder.read("out.run/report.html")

      // In an older report, which has no digests, with training its steps are drawn, or the line that is damaged is named.
      var report = try object(String(decoding: try workspace.folder.read("out.run/report.json"), as: UTF8.self))
      report["training"] = [
        [
          "stage": "tune", "steps": 1, "tokens": 2, "seconds": 3, "codec": "exact", "sent_bytes": 4,
          "uncompressed_bytes": 5, "rounds": [],
        ] as [String: Any]
      ]
      (report["artifacts"], report["commands"]) = (nil, nil)
      try workspace.folder.write([UInt8](JSONSerialization.data(withJSONObject: report)), to: "out.run/report.json")
      let refused = try await Program.run(["report", "out.run"], in: workspace.path)
      #expect(refused.code == 65)
      #expect(refused.ownLines.count == 1 && refused.errors.contains("out.run/metrics.jsonl:1: not a step"))
      #expect(try workspace.folder.read("out.run/report.html") == pageOfOne)

      let steps = (1...3).map { step in
        #"{"stage":"tune","step":\#(step),"round":0,"loss":3.5,"gradient_norm":1,"learning_rate":0.1,"tokens":2,"#
          + #""sent_bytes":4,"uncompressed_bytes":5,"seconds":3}"#
      }
      try workspace.folder.write(
        steps.joined(separator: "\n") + "\n" + steps[0].prefix(20), to: "out.run/metrics.jsonl")
      let drawn = try await Program.run(["report", "out.run"], in: workspace.path)
      #expect(drawn.code == 0, "\(drawn.errors)")
      let page = String(decoding: try workspace.folder.read("out.run/report.html"), as: UTF8.self)
      #expect(page.contains("<h2>Gate tuning</h2>") && page.contains("<figcaption>Loss</figcaption>"))
    }

    @Test(
      arguments: [
        (nil, 66, "report.json: cannot be read; name the run folder"),
        ("{}", 65, "run/report.json: format_version: missing"),
        (#"{"format_version": 1e99}"#, 65, "run/report.json: not JSON, cut off, or a number out of range"),
      ] as [(String?, Int32, String)])
    func whatIsNoReportIsRefused(json: String?, code: Int32, message: String) async throws {
      let workspace = try Workspace()
      try workspace.folder.makeFolder("run")
      if let json { try workspace.folder.write(json, to: "run/report.json") }
      let launched = try await Program.run(["report", "run"], in: workspace.path)
      #expect(launched.code == code && launched.output.isEmpty)
      #expect(launched.ownLines.count == 1 && launched.errors.contains(message), "\(launched.errors)")
      #expect(workspace.everything.count == (json == nil ? 1 : 2))
    }
  }
}
