import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// Numbers that are none: every phase that reads them ends with 65 and one line that names where they are.
  @Suite struct FinitenessTests {
    /// A phase of the program and the weight that is none when it comes to it.
    struct Phase: Sendable, CustomTestStringConvertible {
      let testDescription: String
      let tensor: String
      let index: [Int]
      let value: Float
      /// The arguments for a model; `Workspace` has `clean.run`, what a run of the sound model left.
      let arguments: @Sendable (_ model: String) -> [String]

      init(
        _ name: String, _ tensor: String, _ index: [Int], _ value: Float = .nan,
        _ arguments: @escaping @Sendable (_ model: String) -> [String]
      ) {
        (testDescription, self.tensor, self.index, self.value, self.arguments) = (name, tensor, index, value, arguments)
      }

      /// How the line goes on after the file.
      var words: String {
        let text = value.isNaN ? "NaN" : value < 0 ? "-infinity" : "infinity"
        return
          "model.safetensors: tensor \"\(tensor)\": element \(index) is \(text); get the file again, or use a checkpoint "
          + "whose weights are all finite numbers"
      }
    }

    private static func run(_ verb: String, _ model: String, _ flags: [String] = []) -> [String] {
      [verb] + Workspace.smallRun(model: model).dropFirst() + flags
    }

    private static let evaluation = ["--evaluation-text", Workspace.valid, "--window", "32", "--limit", "2"]

    private static func set(_ assignments: [String]) -> [String] { assignments.flatMap { ["--set", $0] } }

    private static let training = set([
      "recovery.steps=2", "recovery.length=16", "recovery.batch=2", "recovery.validation=2", "recovery.warm-up=0",
      "tuning.length=16", "tuning.batch=2", "tuning.validation=2", "tuning.warm-up=0",
    ])

    static let phases: [Phase] = [
      Phase("evaluate", "model.layers.3.mlp.up_proj.weight", [17, 5]) { run("evaluate", $0, evaluation) },
      Phase("dense perplexity of prune", "model.norm.weight", [127], .infinity) {
        run("prune", $0, evaluation + ["--criterion", "random"])
      },
      Phase("score by ntk", "model.layers.5.mlp.down_proj.weight", [127, 383], -.infinity) { run("score", $0) },
      Phase("score by taylor", "model.embed_tokens.weight", [1023, 0]) { run("score", $0, ["--criterion", "taylor"]) },
      Phase("score by magnitude", "model.layers.4.self_attn.k_proj.weight", [63, 127]) {
        run("score", $0, ["--criterion", "magnitude"])
      },
      Phase("prune by magnitude", "model.layers.1.input_layernorm.weight", [64]) {
        run("prune", $0, ["--criterion", "magnitude"])
      },
      Phase("prune at random", "model.layers.2.post_attention_layernorm.weight", [0], -.infinity) {
        run("prune", $0, ["--criterion", "random"])
      },
      Phase("the embedding that nothing but the cut reads", "model.embed_tokens.weight", [0, 127], .infinity) {
        run("prune", $0, ["--criterion", "magnitude"])
      },
      Phase("select", "model.layers.0.self_attn.v_proj.weight", [1, 2]) {
        run("select", $0, set(["selection.seeds=2"]))
      },
      Phase("generate", "model.layers.3.self_attn.o_proj.weight", [100, 3]) {
        run("generate", $0, set(["generation.sequences=4", "generation.length=24"]))
      },
      Phase("recover", "model.layers.2.self_attn.q_proj.weight", [9, 10]) {
        run("recover", $0, training + set(["recovery.objective=loss"]))
      },
      Phase("the teacher of recover", "model.layers.4.mlp.gate_proj.weight", [200, 100]) {
        run("recover", Fixtures.demoModel, training + set(["recovery.teacher=\($0)"]))
      },
    ]

    private static func poisoned(_ workspace: Workspace, _ tensor: String, _ index: [Int], _ value: Float) throws
      -> String
    {
      try workspace.model("poisoned", replacing: "model.safetensors") {
        try Poison.changed($0, tensor, index, to: value)
      }
    }

    @Test(arguments: phases, [nil, 2]) func everyPhaseNamesTheWeight(phase: Phase, ranks: Int?) async throws {
      let workspace = try Workspace()
      let model = try Self.poisoned(workspace, phase.tensor, phase.index, phase.value)
      let before = workspace.everything
      let launched = try await Program.run(phase.arguments(model), ranks: ranks, in: workspace.path)
      WrongInput.check(launched, code: 65, parts: [], hasBegun: true, isLaunched: ranks != nil)
      #expect(launched.ownLines.last == "espalier: error: \(model)/\(phase.words)")
      let left = workspace.everything.subtracting(before)
      let allowed = [
        "", "/run.yaml", "/metrics.jsonl", "/state", "/state/run.json", "/scores.safetensors", "/plan.json",
      ]
      #expect(left.isSubset(of: allowed.map { "out.run" + $0 }), "\(left)")
    }

    /// Whoever reads the weights, from whatever number of ranks, the same line ends the run.
    @Test(arguments: [
      [], ["--set", "resources.compute=f32"], ["--set", "resources.weights=owner"], ["--criterion", "magnitude"],
      ["--criterion", "random"],
    ]) func theLineKnowsNoRanks(flags: [String]) async throws {
      let workspace = try Workspace()
      let model = try Self.poisoned(workspace, "model.layers.3.mlp.up_proj.weight", [17, 5], .nan)
      var lines: Set<String> = []
      for ranks in [nil, 2, 3] {
        let launched = try await Program.run(
          Self.run("prune", model, flags + ["--sparsity", "0.05"]),
          ranks: ranks,
          in: workspace.path)
        WrongInput.check(launched, code: 65, parts: [], hasBegun: true, isLaunched: ranks != nil)
        lines.insert(launched.ownLines.last ?? "")
      }
      #expect(lines == ["espalier: error: \(model)/\(Self.phases[0].words)"])
    }

    /// Of float32 and of a model in several files; no tokenizer is needed to score by magnitude.
    @Test(arguments: [nil, 2]) func otherFiles(ranks: Int?) async throws {
      let workspace = try Workspace()
      let name = "model-00003-of-00005.safetensors"
      let source = Fixtures.model("tiny-llama-sharded")
      let model = try workspace.linked("model", to: source, leaving: [name])
      let file = try TemporaryFolder.bytes(of: "\(source)/\(name)")
      let tensor = try #require(try Poison.names(file).first { $0.contains("mlp") })
      try workspace.folder.write(try Poison.changed(file, tensor, [3, 4], to: .infinity), to: "model/\(name)")
      let launched = try await Program.run(
        Self.run("score", model, ["--criterion", "magnitude"]), ranks: ranks, in: workspace.path)
      WrongInput.check(launched, code: 65, parts: [], hasBegun: true, isLaunched: ranks != nil)
      #expect(
        launched.ownLines.last?.hasPrefix(
          "espalier: error: \(model)/\(name): tensor \"\(tensor)\": element [3, 4] is infinity; ") == true)
    }

    /// The sound model's plan cuts the poisoned part away, or keeps it: what is written decides.
    @Test(arguments: [nil, 2]) func repackLooksAtWhatItWrites(ranks: Int?) async throws {
      let workspace = try Workspace()
      // A plan without a checksum is one that somebody made; its model is told by the hash, which reads the files' ends.
      let allocated = try await Program.run(
        Self.run("prune", Fixtures.demoModel, ["--criterion", "random"]), in: workspace.path)
      #expect(allocated.code == 0, "\(allocated.errors)")
      let plan = try object(String(decoding: try workspace.folder.read("out.run/plan.json"), as: UTF8.self))
      let layers = try #require(plan["layers"] as? [[String: [Int]]])
      let kept = try #require(layers[3]["mlp"])
      let removed = try #require((0..<384).first { !kept.contains($0) })
      for (neuron, isKept) in [(removed, false), (kept[1], true)] {
        let model = try workspace.model("neuron-\(neuron)", replacing: "model.safetensors") {
          try Poison.changed($0, "model.layers.3.mlp.up_proj.weight", [neuron, 7], to: .nan)
        }
        let launched = try await Program.run(
          Self.run("repack", model, ["--plan", "out.run/plan.json", "--output", "new", "--run-folder", "new.run"]),
          ranks: ranks, in: workspace.path)
        if isKept {
          WrongInput.check(
            launched, code: 65, parts: ["\"model.layers.3.mlp.up_proj.weight\": element [\(neuron), 7] is NaN"],
            hasBegun: true, isLaunched: ranks != nil)
          #expect(!workspace.folder.names.contains("new"))
        } else {
          #expect(launched.code == 0, "\(launched.errors)")
          #expect(try workspace.folder.read("new/model.safetensors") == workspace.folder.read("out/model.safetensors"))
          try FileManager.default.removeItem(atPath: workspace.folder.file("new"))
        }
      }
    }

    /// All weights are numbers, but what they make is none: the layer is named, in every phase that runs the model.
    @Test(
      arguments: [
        ["evaluate"] + evaluation, ["score"], ["score", "--criterion", "taylor"],
        ["prune"] + evaluation + ["--criterion", "magnitude"],
        ["generate"] + set(["generation.sequences=4", "generation.length=24"]),
      ], [nil, 2])
    func activationsThatOverflow(command: [String], ranks: Int?) async throws {
      let workspace = try Workspace()
      let model = try Self.poisoned(workspace, "model.layers.2.post_attention_layernorm.weight", [3], 3e38)
      let launched = try await Program.run(
        Self.run(command[0], model, Array(command.dropFirst())), ranks: ranks, in: workspace.path)
      WrongInput.check(launched, code: 65, parts: [], hasBegun: true, isLaunched: ranks != nil)
      #expect(
        launched.ownLines.last
          == "espalier: error: the output of layer 2 is infinite or NaN though every weight is a finite number; the model "
          + "overflows by itself: get it again, or check that its config.json belongs to it")
    }

    /// A perplexity beyond all numbers is what was measured, of a bad model as of a bad cut.
    @Test func anInfinitePerplexityIsReported() async throws {
      let workspace = try Workspace()
      let model = try workspace.model(replacing: "model.safetensors") { file in
        try (0..<128).reduce(file) { try Poison.changed($0, "model.norm.weight", [$1], to: 1e5) }
      }
      let launched = try await Program.run(
        Self.run("evaluate", model, Self.evaluation + ["--json", "--quiet"]), in: workspace.path)
      #expect(launched.code == 0 && launched.ownLines.isEmpty, "\(launched.errors)")
      #expect((try object(launched.output)["perplexity"] as? [String: Any])?["before"] as? String == "Infinity")
    }

    /// A learning rate that ruins what is trained: the step is named and what to lower, and with a lower one it works.
    @Test(
      arguments: [
        ("recovery.learning-rate", "1e30", "recovery, step 1: the output of layer 0 is infinite or NaN"),
        ("tuning.scale-learning-rate", "1e300", "gate tuning, step 1: the update leaves "),
      ], [nil, 2])
    func aStepThatDiverges(rate: (key: String, value: String, line: String), ranks: Int?) async throws {
      let workspace = try Workspace()
      let stage = rate.key.hasPrefix("tuning") ? "tuning" : "recovery"
      let flags =
        Self.training + Self.set(["recovery.steps=0", "tuning.steps=0", "\(stage).steps=4", "\(stage).save-every=1"])
        + ["--criterion", "magnitude"]
      let launched = try await Program.run(
        Self.run("prune", Fixtures.demoModel, flags + Self.set(["\(rate.key)=\(rate.value)"])), ranks: ranks,
        in: workspace.path)
      WrongInput.check(
        launched, code: 65,
        parts: ["espalier: error: \(rate.line)", "lower \(stage).learning-rate", "start over (--fresh)"],
        hasBegun: true,
        isLaunched: ranks != nil)
      #expect(!workspace.folder.names.contains("out"))
      let again = try await Program.run(
        Self.run("prune", Fixtures.demoModel, flags + Self.set(["\(rate.key)=1e-4"]) + ["--fresh"]), ranks: ranks,
        in: workspace.path)
      #expect(again.code == 0, "\(again.errors)")
    }
  }
}
