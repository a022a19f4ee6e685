import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// What the program writes loads in the oldest and the newest transformers that we promise.
  @Suite(.enabled(if: !Oracle.all.isEmpty)) struct LoadingTests {
    @Test func everyOutputOfTheProgramLoads() async throws {
      let workspace = try Workspace()
      // Beside the demo's files, what must not be carried along.
      let model = try workspace.model(replacing: "tokenizer_config.json") { _ in
        let map = #"{"AutoTokenizer": ["someone/demo--tokenization_own.OwnTokenizer", null]}"#
        return Array(#"{"auto_map": \#(map), "tokenizer_class": "OwnTokenizer"}"#.utf8)
      }
      for name in CarriedFilesTests.untrue { try workspace.folder.write("{}", to: "model/\(name)") }
      let training =
        ["recovery.steps=2", "recovery.length=16", "recovery.batch=2", "recovery.validation=2"]
        .flatMap { ["--set", $0] } + ["--set", "recovery.text=\(Workspace.valid)"]
      let uniform = ["--method", "uniform", "--sparsity", "0.5", "--gamma", "1"]
      for (output, options) in [
        ("unequal", []), ("uniform", uniform + NativeLayoutTests.native), ("fallback", NativeLayoutTests.sixHeads),
        ("depth", ["--method", "depth"]), ("recovered", NativeLayoutTests.sixHeads + training),
        ("sharded", ["--set", "repacking.shard-size=300kB"]),
      ] {
        let run = NativeLayoutTests.run("prune", output, model: model)
        let launched = try await Program.run(run + options, ranks: output == "sharded" ? 2 : nil, in: workspace.path)
        try #require(launched.code == 0, "\(output): \(launched.errors)")
      }
      for (output, model) in [("twice", "fallback"), ("native-twice", "uniform")] {
        let launched = try await Program.run(
          NativeLayoutTests.run("prune", output, model: model), in: workspace.path)
        try #require(launched.code == 0, "\(output): \(launched.errors)")
      }
      let outputs = ["unequal", "uniform", "fallback", "depth", "recovered", "sharded", "twice", "native-twice"]
      for oracle in Oracle.all {
        let failure = try oracle.check(
          outputs.map { .init(folder: workspace.folder.file($0)) }, in: TemporaryFolder())
        #expect(failure == nil, "\(failure ?? "")")
      }
    }
  }
}
