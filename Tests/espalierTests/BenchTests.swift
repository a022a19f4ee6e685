import Foundation
import TestSupport
import Testing

extension Workspace {
  /// A safetensors file of float32 tensors of one dimension.
  @discardableResult
  func gradients(_ file: String, _ tensors: [(name: String, values: [Float])], type: String = "F32") throws -> String {
    var entries: [String] = []
    var bytes: [UInt8] = []
    for (name, values) in tensors {
      let start = bytes.count
      for value in values { bytes += (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } }
      entries.append(SafetensorsBytes.entry(name, type, "[\(values.count)]", "\(start)", "\(bytes.count)"))
    }
    let header = [UInt8]("{\(entries.joined(separator: ","))}".utf8)
    return try folder.write(SafetensorsBytes.length(UInt64(header.count)) + header + bytes, to: file)
  }
}

extension ProgramTests {
  /// `espalier bench exchange`: its numbers, where they can be known.
  @Suite struct BenchTests {
    private func exchange(
      _ arguments: [String], ranks: Int?, in workspace: Workspace
    ) async throws -> (facts: [String: Any], codecs: [String: [String: Any]]) {
      let launched = try await Program.run(
        ["bench", "exchange", "--json"] + arguments, ranks: ranks, in: workspace.path)
      #expect(launched.code == 0 && launched.ownLines.isEmpty, "\(launched.errors)")
      let facts = try object(launched.output)
      let rows = try #require(facts["codecs"] as? [[String: Any]])
      #expect(rows.compactMap { $0["codec"] as? String } == ["none", "exact", "bf16", "int8"])
      return (facts, Dictionary(uniqueKeysWithValues: rows.map { ($0["codec"] as? String ?? "", $0) }))
    }

    @Test func twoRanks() async throws {
      let workspace = try Workspace()
      let (facts, codecs) = try await exchange(["--count", "20000", "--steps", "3"], ranks: 2, in: workspace)
      #expect(facts["values"] as? Int == 20_000 && facts["steps"] as? Int == 3 && facts["ranks"] as? Int == 2)
      #expect(["exact", "none"].contains(facts["auto"] as? String))
      #expect((facts["auto_step_seconds"] as? Double) ?? 0 > 0)
      #expect((facts["bandwidth_bytes_per_second"] as? Double) ?? 0 > 0)
      // Half of the gradient to the other rank, and the sum of the own half: two frames with headers of 28 bytes.
      #expect(codecs["none"]?["sent_bytes"] as? Double == 80_056)
      #expect(codecs["none"]?["entropy_bound_ratio"] as? Double == 1)
      for (codec, least) in [("exact", 1.05), ("bf16", 2.4), ("int8", 3.8)] {
        let row = try #require(codecs[codec])
        let ratio = try #require(row["ratio"] as? Double)
        #expect(row["uncompressed_bytes"] as? Double == 80_000)
        let bound = try #require(row["entropy_bound_ratio"] as? Double)
        #expect(ratio > least && ratio < bound, "\(codec): \(ratio)")
        for key in ["encode_bytes_per_second", "decode_bytes_per_second", "step_seconds"] {
          #expect((row[key] as? Double) ?? 0 > 0, "\(codec): \(key)")
        }
        #expect((row["break_even_bytes_per_second"] as? Double) ?? 0 > 0)
      }
    }

    @Test func table() async throws {
      let workspace = try Workspace()
      let launched = try await Program.run(
        ["bench", "exchange", "--count", "3000", "--steps", "2"], ranks: 2, in: workspace.path)
      #expect(launched.code == 0 && launched.ownLines.isEmpty, "\(launched.errors)")
      for row in [
        "gradients  3,000 values, normally distributed; 2 steps\n", "\nlink  ", "\nauto  ", "\nexact  ", "\nint8  ",
      ] {
        #expect(launched.output.contains(row), "\(row): \(launched.output)")
      }
      #expect(launched.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
      let alone = try await Program.run(["bench", "exchange", "--count", "3000"], in: workspace.path)
      #expect(alone.output.contains("link       none: one rank sends nothing; start several with mpirun\n"))
      #expect(alone.code == 0 && workspace.everything.isEmpty)
    }

    /// Tensors named `step.N` are gradients in the order of N; others are one gradient together.
    @Test func gradientsFromFiles() async throws {
      let workspace = try Workspace()
      let same = [Float](repeating: 0.5, count: 4000)
      try workspace.gradients("steps.safetensors", (0..<11).map { ("step.\($0)", same) })
      try workspace.gradients("whole.safetensors", [("a", Array(same[..<1000])), ("b", Array(same[..<3000]))])
      let (facts, codecs) = try await exchange(
        ["--gradients", "steps.safetensors", "--gradients", "whole.safetensors"], ranks: 2, in: workspace)
      #expect(facts["values"] as? Int == 4000 && facts["steps"] as? Int == 12)
      #expect(facts["gradients"] as? String == "files")
      #expect((codecs["exact"]?["ratio"] as? Double) ?? 0 > 20)
      // Nothing is to be told where all values are equal.
      #expect(codecs["exact"]?["entropy_bound_ratio"] is NSNull)
      let (one, lone) = try await exchange(["--gradients", "whole.safetensors"], ranks: nil, in: workspace)
      #expect(one["values"] as? Int == 4000 && one["steps"] as? Int == 10)
      #expect(one["auto"] is NSNull && one["bandwidth_bytes_per_second"] is NSNull)
      #expect(one["auto_step_seconds"] is NSNull)
      #expect(lone["none"]?["sent_bytes"] as? Double == 0)
    }

    @Test(arguments: WrongInput.gradients, [nil, 2]) func wrongGradients(wrong: WrongInput, ranks: Int?) async throws {
      try await wrong.check(ranks: ranks)
      #expect(!wrong.parts.isEmpty)
    }

    @Test func ranksThatDiffer() async throws {
      let workspace = try Workspace()
      let bench = ["bench", "exchange", "--count", "100"]
      let launched = try await Program.run(
        parts: [(1, bench + ["--steps", "2"]), (1, bench + ["--steps", "3"])], in: workspace.path)
      WrongInput.check(
        launched, code: 69, parts: ["rank 1 has a different benchmark (100 values in 3 steps; rank 0: "],
        isLaunched: true)
    }
  }
}

extension WrongInput {
  private static func file(
    _ name: String, _ code: Int32, _ parts: [String], type: String = "F32", _ tensors: [(name: String, values: [Float])]
  ) -> WrongInput {
    WrongInput(name, code, ["g.safetensors"] + parts) { workspace in
      try workspace.gradients("g.safetensors", tensors, type: type)
      return ["bench", "exchange", "--gradients", "g.safetensors"]
    }
  }

  /// Benchmarks that cannot be run.
  static let gradients: [WrongInput] = [
    WrongInput("no such benchmark", 64, ["'nope'", "usage: espalier bench"], arguments: ["bench", "nope"]),
    WrongInput("no values", 64, ["--count 0", "from 1 to"], arguments: ["bench", "exchange", "--count", "0"]),
    WrongInput(
      "more values than memory", 64, ["--count 9223372036854775807", "to 1073741824"],
      arguments: ["bench", "exchange", "--count", "9223372036854775807"]),
    WrongInput("no steps", 64, ["--steps 0", "from 1 to"], arguments: ["bench", "exchange", "--steps", "0"]),
    WrongInput(
      "count beside files", 64, ["--count", "--gradients"],
      arguments: ["bench", "exchange", "--count", "5", "--gradients", "g.safetensors"]),
    WrongInput(
      "no file", 66, ["none.safetensors", "No such file"],
      arguments: ["bench", "exchange", "--gradients", "none.safetensors"]),
    WrongInput("a damaged file", 65, ["g.safetensors", "truncated"]) { workspace in
      let path = try workspace.gradients("g.safetensors", [("a", [1, 2])])
      try workspace.folder.write(Array(TemporaryFolder.bytes(of: path).dropLast(3)), to: "g.safetensors")
      return ["bench", "exchange", "--gradients", "g.safetensors"]
    },
    file("no tensors", 65, ["no tensor"], []),
    file("integers", 65, ["\"a\"", "I32", "F32"], type: "I32", [("a", [1, 2])]),
    file("steps and others", 65, ["step.N"], [("step.0", [1]), ("weight", [1])]),
    file("unequal steps", 65, ["2 values where the first has 1"], [("step.0", [1]), ("step.1", [1, 2])]),
    file("a value that is NaN", 65, ["nan at element 1"], [("step.0", [1, .nan])]),
  ]
}
