import TestSupport

extension WrongInput {
  /// What the verbs that train refuse.
  static let training: [WrongInput] = [
    training("tune without steps", 64, ["tuning.steps", "0 steps", "--set tuning.steps=100"], "tune", []),
    training("tune without scores", 66, ["out.run/scores.safetensors", "No such file"], "tune", ["tuning.steps=2"]),
    training(
      "recover without steps", 64, ["recovery.steps", "0 steps", "--set recovery.steps=100"], "recover",
      ["recovery.objective=loss"]),
    training("recover without a teacher", 64, ["recovery.teacher", "recovery.objective: loss"], "recover", short),
    training(
      "a teacher of another vocabulary", 64, ["recovery.teacher", "tiny-llama", "vocabulary", "not 1024"], "recover",
      short + ["recovery.teacher=\(Fixtures.model("tiny-llama"))"]),
    training(
      "a teacher that is not there", 66, ["none does not exist"], "recover", short + ["recovery.teacher=none"]),
    WrongInput(
      "too little text to hold anything out", 65, ["tuning.validation", "16 sequences to hold out", "give more text"]
    ) { workspace in
      try workspace.folder.write("once upon a time there was a tree. ", to: "few.txt")
      return Workspace.smallRun + set(["tuning.steps=2", "tuning.length=4", "tuning.text=few.txt"])
    },
    WrongInput("text shorter than a sequence", 65, ["few.txt", "give more text"]) { workspace in
      try workspace.folder.write("once", to: "few.txt")
      return Workspace.smallRun + set(["recovery.steps=2", "recovery.length=64", "recovery.text=few.txt"])
    },
    WrongInput(
      "a learning rate of 0", 64, ["tuning.learning-rate", "above 0"], flags: ["--set", "tuning.learning-rate=0"]),
    WrongInput(
      "a rank beyond the model's width", 64, ["recovery.rank", "129", "128"],
      flags: set(["recovery.steps=2", "recovery.rank=129"])),
    WrongInput(
      "more sequences than a step can have", 64, ["tuning.batch", "2000000000", "tuning.accumulation", "1048576"],
      flags: set(["tuning.steps=2", "tuning.batch=2000000000", "tuning.accumulation=2000000000"])),
    generation("generate nothing", 64, ["generation.sequences", "0 sequences", "generation.sequences=400"], []),
    generation(
      "prompts that fill their sequences", 64, ["--set generation.prompt=32", "generation.prompt", "below length"],
      ["generation.sequences=4", "generation.length=32", "generation.prompt=32"]),
    WrongInput(
      "generate without text", 64, ["generation.text", "missing", "calibration.text"],
      arguments: ["generate", "--model", Fixtures.demoModel, "--run-folder", "out.run"]
        + set(["generation.sequences=4"])),
    WrongInput("a text without one prompt", 65, ["few.txt", "0 sequences of 16", "give more text"]) { workspace in
      try workspace.folder.write("once", to: "few.txt")
      return ["generate"] + Workspace.smallRun.dropFirst() + set(["generation.sequences=4", "generation.text=few.txt"])
    },
    WrongInput("tokens too few for a prompt", 65, ["ids.safetensors", "sequences of 4 tokens", "generation.prompt"]) {
      workspace in
      let ids = try workspace.inputIDs("ids.safetensors", sequences: 3, tokens: 4, below: 1024)
      return ["generate"] + Workspace.smallRun.dropFirst() + set(["generation.sequences=4", "generation.text=\(ids)"])
    },
    generation(
      "more text than a file may have", 64, ["generation.sequences", "2000000 sequences of 512 tokens", "67108864"],
      ["generation.sequences=2000000"]),
    generation(
      "fewer sequences than texts", 64, ["generation.sequences", "1 is fewer than the 2 texts"],
      ["generation.sequences=1"], ["--calibration-text", Workspace.valid]),
    generation(
      "memory for not one sequence", 71, ["resources.memory-limit", "is needed", "lower generation.length"],
      ["generation.sequences=4"], ["--memory-limit", "1MB"]),
    WrongInput(
      "logits that would be no numbers", 65, ["\"model.norm.weight\": element [127] is NaN"], hasBegun: true
    ) {
      workspace in
      let model = try workspace.model(replacing: "model.safetensors") { Array($0.dropLast(2)) + [0xC0, 0x7F] }
      return ["generate"] + Workspace.smallRun(model: model).dropFirst() + set(["generation.sequences=4"])
    },
    WrongInput("unknown codec", 64, ["exchange.codec", "int7", "int8"], flags: ["--set", "exchange.codec=int7"]),
  ]

  private static let short = ["recovery.steps=2", "recovery.length=16"]

  private static func set(_ assignments: [String]) -> [String] { assignments.flatMap { ["--set", $0] } }

  private static func generation(
    _ name: String, _ code: Int32, _ parts: [String], _ assignments: [String], _ flags: [String] = []
  ) -> WrongInput {
    WrongInput(name, code, parts, arguments: ["generate"] + Workspace.smallRun.dropFirst() + set(assignments) + flags)
  }

  private static func training(
    _ name: String, _ code: Int32, _ parts: [String], _ verb: String, _ assignments: [String]
  ) -> WrongInput {
    WrongInput(name, code, parts, arguments: [verb] + Workspace.smallRun.dropFirst() + set(assignments))
  }
}
