import Foundation
import TestSupport
import Testing

extension WrongInput {
  /// Run documents.
  static let documents: [WrongInput] = [
    WrongInput("missing", 66, ["none.yaml", "no such file"]) { _ in ["prune", "none.yaml"] },
    document("empty", 64, ["run.yaml", "empty", "model: FOLDER"], ""),
    document("syntax", 64, ["run.yaml:2:1", "not YAML"], "model: [\n"),
    document(
      "unknown key", 64, ["run.yaml:3:3", "sparsty", "did you mean \"sparsity\"?"],
      "model: m\nallocation:\n  sparsty: 0.3\n"),
    document(
      "a section's key at the top", 64, ["run.yaml:2:1", "did you mean \"allocation.sparsity\"?"],
      "model: m\nsparsty: 0.3\n"),
    document("wrong type", 64, ["run.yaml:1:8", "model", "found a list"], "model: [m]\n"),
    document(
      "sparsity of 150 %", 64, ["run.yaml:3:13", "allocation.sparsity", "found 1.5", "below 1"],
      "model: m\nallocation:\n  sparsity: 1.5\n"),
    document(
      "unknown criterion", 64, ["scoring.criterion", "tailor", "did you mean taylor?"],
      "model: m\nscoring: {criterion: tailor}\n"),
    WrongInput("a folder", 66, ["folder", "YAML"]) { workspace in
      try workspace.folder.makeFolder("folder")
      return ["prune", "folder"]
    },
    WrongInput(
      "sparsity beyond the floors", 64, ["sparsity 0.99", "0.92", "round-to"], flags: ["--sparsity", "0.99"]),
    WrongInput(
      "native layout of unequal layers", 64, ["repacking.layout", "uniform"],
      flags: ["--set", "repacking.layout=native"]),
    WrongInput(
      "memory for nothing", 71, ["resources.memory-limit", "1MB", "MB is needed"], flags: ["--memory-limit", "1MB"]),
    WrongInput(
      "bf16 in plain loops", 64, ["resources.compute", "bf16", "resources.backend: cpu", "use f32 or auto"],
      flags: ["--set", "resources.compute=bf16", "--set", "resources.backend=reference"]),
    WrongInput(
      "more sequences than can be", 64, ["--sequences 9223372036854775807", "at most 2147483647"],
      flags: ["--sequences", "9223372036854775807"]),
  ]

  /// Command lines.
  static let commandLines: [WrongInput] = [
    WrongInput("no number", 64, ["--sparsity abc", "a number"], flags: ["--sparsity", "abc"]),
    WrongInput(
      "unknown flag", 64,
      ["unknown option '--sparsty'", "--sparsity", "usage: espalier prune", "see 'espalier prune --help'"],
      flags: ["--sparsty", "0.3"]),
    WrongInput("flag without a value", 64, ["--sparsity", "usage:"], flags: ["--sparsity"]),
    WrongInput("two documents", 64, ["b.yaml", "usage:"]) { _ in ["prune", "a.yaml", "b.yaml"] },
    WrongInput("unknown verb", 64, ["unknown verb 'prun'", "prune, select, score", "espalier --help"]) { _ in ["prun"]
    },
    WrongInput("no document and no model", 64, ["--model"]) { _ in ["prune"] },
    WrongInput("no model for tokenize", 64, ["--model", "usage: espalier tokenize"]) { _ in ["tokenize"] },
    WrongInput("assignment without a value", 64, ["--set sparsity", "KEY=VALUE"], flags: ["--set", "sparsity"]),
    WrongInput(
      "assignment to an unknown key", 64, ["--set alocation.sparsity=0.3", "unknown key"],
      flags: ["--set", "alocation.sparsity=0.3"]),
  ]

  /// Places to write to.
  static let outputs: [WrongInput] = [
    WrongInput("exists", 73, ["out", "not empty", "--overwrite"]) { workspace in
      try workspace.folder.makeFolder("out")
      try workspace.folder.write("mine", to: "out/notes.txt")
      return Workspace.smallRun
    },
    WrongInput("two parents missing", 73, ["a/b does not exist", "create it first"], flags: ["--output", "a/b/out"]),
    WrongInput(
      "below a file", 73, ["run.yaml is not a folder"], flags: ["--output", Fixtures.repository + "/demo/run.yaml/out"]),
    WrongInput(
      "a file", 73, ["run.yaml", "not a folder"], flags: ["--output", Fixtures.repository + "/demo/run.yaml"]),
    WrongInput("where nothing can be made", 73, ["/proc/out"], flags: ["--output", "/proc/out"]),
    WrongInput(
      "a run folder where nothing can be made", 73, ["/proc/run", "No such file or directory", "--run-folder"],
      flags: ["--run-folder", "/proc/run"]),
    WrongInput("a run folder below a file, its output in a new folder", 73, ["file/run", "--run-folder"]) { workspace in
      try workspace.folder.write("", to: "file")
      return Workspace.smallRun + ["--output", "new/out", "--run-folder", "file/run"]
    },
    WrongInput(
      "the model's own folder", 64, ["model's folder"], flags: ["--output", Fixtures.demoModel, "--overwrite"]),
    WrongInput("the model's own folder by a link", 73, ["folder of the model itself"]) { workspace in
      try workspace.folder.link("same", to: Fixtures.demoModel)
      return Workspace.smallRun + ["--output", "same", "--overwrite"]
    },
  ]

  /// Scores and plans.
  static let artifacts: [WrongInput] = [
    WrongInput("no scores", 66, ["out.run/scores.safetensors", "No such file"]) { _ in
      ["allocate"] + Workspace.smallRun.dropFirst()
    },
    WrongInput("damaged scores", 65, ["scores.safetensors"]) { workspace in
      try workspace.folder.write("scores", to: "scores.safetensors")
      return ["allocate"] + Workspace.smallRun.dropFirst() + ["--scores", "scores.safetensors"]
    },
    WrongInput("scores of another model", 65, ["nirvana-demo.safetensors"]) { _ in
      ["allocate"] + Workspace.smallRun.dropFirst() + ["--scores", Fixtures.path("golden/nirvana-demo.safetensors")]
    },
    WrongInput("no plan", 66, ["out.run/plan.json", "cannot be read"]) { _ in
      ["repack"] + Workspace.smallRun.dropFirst()
    },
    WrongInput("damaged plan", 65, ["plan.json"]) { workspace in
      try workspace.folder.write("{\"layers\": [", to: "plan.json")
      return ["repack"] + Workspace.smallRun.dropFirst() + ["--plan", "plan.json"]
    },
  ]

  private static func document(_ name: String, _ code: Int32, _ parts: [String], _ yaml: String) -> WrongInput {
    WrongInput(name, code, parts) { workspace in
      try workspace.folder.write(yaml, to: "run.yaml")
      return ["prune", "run.yaml"]
    }
  }
}
