import Foundation
import TestSupport
import Testing

extension WrongInput {
  /// A model folder that is none, or is damaged.
  static let models: [WrongInput] = [
    WrongInput("missing folder", 66, ["none", "does not exist", "give the folder"]) { _ in
      Workspace.smallRun(model: "none")
    },
    WrongInput("empty folder", 66, ["empty/config.json is missing"]) { workspace in
      try workspace.folder.makeFolder("empty")
      return Workspace.smallRun(model: "empty")
    },
    WrongInput("a file", 66, ["run.yaml is not a folder"]) { _ in
      Workspace.smallRun(model: Fixtures.repository + "/demo/run.yaml")
    },
    WrongInput("broken config.json", 65, ["config.json", "line 1, byte 2", "get the file again"]) { workspace in
      Workspace.smallRun(model: try workspace.model(replacing: "config.json") { _ in [UInt8]("{ nope".utf8) })
    },
    WrongInput("a folder named config.json", 74, ["config.json", "a regular file"]) { workspace in
      let model = try workspace.linked("model", leaving: ["config.json"])
      try workspace.folder.makeFolder("model/config.json")
      return Workspace.smallRun(model: model)
    },
    WrongInput("key missing", 65, ["config.json", "hidden_size", "missing"]) { workspace in
      Workspace.smallRun(model: try workspace.model { $0["hidden_size"] = nil })
    },
    WrongInput("key of a wrong type", 65, ["config.json", "num_hidden_layers"]) { workspace in
      Workspace.smallRun(model: try workspace.model { $0["num_hidden_layers"] = "six" })
    },
    WrongInput("absurd size", 65, ["config.json", "num_hidden_layers"]) { workspace in
      Workspace.smallRun(model: try workspace.model { $0["num_hidden_layers"] = Int.max })
    },
    WrongInput("unknown model_type", 65, ["config.json", "model_type", "llamma", "llama"]) { workspace in
      Workspace.smallRun(model: try workspace.model { $0["model_type"] = "llamma" })
    },
    WrongInput("other shapes than config.json", 65, ["model.safetensors", "shape", "config.json asks for"]) {
      workspace in
      Workspace.smallRun(model: try workspace.model { $0["intermediate_size"] = 256 })
    },
    WrongInput("no weights", 66, ["model.safetensors"]) { workspace in
      Workspace.smallRun(model: try workspace.linked("model", leaving: ["model.safetensors"]))
    },
    WrongInput("truncated weights", 65, ["model.safetensors", "model.norm.weight", "truncated"]) { workspace in
      Workspace.smallRun(model: try workspace.model(replacing: "model.safetensors") { Array($0.dropLast(100)) })
    },
    WrongInput("no safetensors at all", 65, ["model.safetensors"]) { workspace in
      Workspace.smallRun(model: try workspace.model(replacing: "model.safetensors") { _ in Array("weights".utf8) })
    },
    WrongInput("NaN", 65, ["\"model.norm.weight\": element [127] is NaN", "get the file again"], hasBegun: true) {
      workspace in
      // The data's last number, of the final norm, so that every score would feel it.
      Workspace.smallRun(
        model: try workspace.model(replacing: "model.safetensors") { Array($0.dropLast(2)) + [0xC0, 0x7F] })
    },
    WrongInput("extra tensor", 65, ["model.safetensors", "extra.weight"]) { workspace in
      let model = try workspace.model(replacing: "model.safetensors") { bytes in
        let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        let data = bytes[(8 + length)...]
        let entry = SafetensorsBytes.entry("extra.weight", "BF16", "[1]", "\(data.count)", "\(data.count + 2)")
        let header = [UInt8]("{\(entry),".utf8) + bytes[9..<8 + length]
        return SafetensorsBytes.length(UInt64(header.count)) + header + data + [0, 0]
      }
      return Workspace.smallRun(model: model)
    },
    WrongInput("missing shard", 66, ["model-00002-of-00005.safetensors is missing", "index.json names it"]) {
      workspace in
      let model = try workspace.linked(
        "model", to: Fixtures.model("tiny-llama-sharded"), leaving: ["model-00002-of-00005.safetensors"])
      return Workspace.smallRun(model: model) + ["--criterion", "magnitude"]
    },
    WrongInput("dangling link in the cache", 66, ["model.safetensors"]) { workspace in
      let model = try workspace.linked("model", leaving: ["model.safetensors"])
      try workspace.folder.link("model/model.safetensors", to: "../blobs/gone")
      return Workspace.smallRun(model: model)
    },
    WrongInput("no tokenizer", 66, ["tokenizer.json"]) { workspace in
      Workspace.smallRun(model: try workspace.linked("model", leaving: ["tokenizer.json"]))
    },
    WrongInput("another kind of tokenizer", 65, ["tokenizer.json", "Metaspace", "byte-level BPE"]) { workspace in
      let tokenizer = #"{"model": {"type": "Unigram", "vocab": []}, "pre_tokenizer": {"type": "Metaspace"}}"#
      return Workspace.smallRun(model: try workspace.model(replacing: "tokenizer.json") { _ in Array(tokenizer.utf8) })
    },
    WrongInput("inspect of a missing folder", 66, ["none", "does not exist"]) { _ in ["inspect", "none"] },
    WrongInput("tokenize with a missing folder", 66, ["none/tokenizer.json"]) { _ in ["tokenize", "--model", "none"] },
  ]

  /// Texts to calibrate or evaluate on.
  static let texts: [WrongInput] = [
    WrongInput("missing", 66, ["none.txt", "No such file", "check the path"], arguments: run(on: "none.txt")),
    file("empty", 65, ["text.txt", "empty"], ""),
    file("not UTF-8", 65, ["text.txt", "invalid UTF-8 at byte 2"], bytes: [0x61, 0x62, 0xFF, 0xFE]),
    file("too short", 65, ["text.txt", "0 sequences of 32, not 4", "give more text"], "short"),
    file("bad JSON line", 65, ["text.jsonl", "line 2"], "{\"text\": \"a\"}\n{\"text\" 4}\n", name: "text.jsonl"),
    file("JSON without text", 65, ["text.jsonl", "line 1", "text"], "{\"body\": \"a\"}\n", name: "text.jsonl"),
    file("unknown ending", 66, ["text.doc", ".txt"], "text", name: "text.doc"),
    file("not gzip", 65, ["text.txt.gz", "gzip"], "plain", name: "text.txt.gz"),
    WrongInput("a folder", 66, ["folder.txt", "a folder"]) { workspace in
      try workspace.folder.makeFolder("folder.txt")
      return run(on: "folder.txt")
    },
    WrongInput("none", 64, ["calibration.text", "missing"]) { _ in
      ["prune", "--model", Fixtures.demoModel, "--output", "out"]
    },
    WrongInput("ids beyond the vocabulary", 65, ["ids.safetensors", "vocabulary"]) { workspace in
      let ids = try workspace.inputIDs("ids.safetensors", sequences: 4, tokens: 32, below: 5000)
      return run(on: ids)
    },
    WrongInput("too few ids", 65, ["ids.safetensors", "2 sequences, not 4"]) { workspace in
      run(on: try workspace.inputIDs("ids.safetensors", sequences: 2, tokens: 32, below: 1024))
    },
    WrongInput(
      "weights instead of ids", 65, ["model.safetensors", "input_ids"],
      arguments: run(on: Fixtures.demoModel + "/model.safetensors")),
    WrongInput("evaluation text missing", 66, ["none.txt"], flags: ["--evaluation-text", "none.txt"]),
    WrongInput("evaluation text too short", 65, ["text.txt", "make no window of 512"]) { workspace in
      try workspace.folder.write("Some words.", to: "text.txt")
      return Workspace.smallRun + ["--evaluation-text", "text.txt", "--limit", "1"]
    },
    WrongInput("nothing to evaluate on", 64, ["evaluation.text", "--evaluation-text"]) { _ in
      ["evaluate", "--model", Fixtures.demoModel]
    },
    WrongInput("a missing text to tokenize", 66, ["none.txt"]) { _ in
      ["tokenize", "--model", Fixtures.demoModel, "none.txt"]
    },
  ]

  /// The small run on another text.
  private static func run(on text: String) -> [String] { Workspace.smallRun.map { $0 == Workspace.valid ? text : $0 } }

  private static func file(
    _ title: String, _ code: Int32, _ parts: [String], _ text: String = "", bytes: [UInt8]? = nil,
    name: String = "text.txt"
  ) -> WrongInput {
    WrongInput(title, code, parts) { workspace in
      try workspace.folder.write(bytes ?? [UInt8](text.utf8), to: name)
      return run(on: name)
    }
  }
}
