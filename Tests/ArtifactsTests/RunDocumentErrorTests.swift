import Artifacts
import Foundation
import Testing

@Suite struct RunDocumentErrorTests {
  static let number = "a number, 0 or more and below 1"
  static let topKeys =
    "model, output, run-folder, overwrite, calibration, selection, scoring, allocation, generation, tuning, recovery, "
    + "exchange, evaluation, repacking, resources"

  static let targets = "all-linear, or a list of query, key, value, output, gate, up, down"

  @Test(arguments: [
    ("", "run.yaml: empty; a run document needs at least the line \"model: FOLDER\""),
    ("# nothing\n", "run.yaml: empty; a run document needs at least the line \"model: FOLDER\""),
    ("overwrite: true", "run.yaml: model: missing; name the folder of the model to prune"),
    ("- a", "run.yaml:1:1: found a list at the top, expected keys such as \"model: FOLDER\""),
    ("model:m", "run.yaml:1:1: found model:m at the top, expected keys such as \"model: FOLDER\""),
    ("model:", "run.yaml:1:7: model: found nothing, expected a Hugging Face folder"),
    ("model: ''", "run.yaml:1:8: model: found an empty text, expected a Hugging Face folder"),
    ("model: [m]", "run.yaml:1:8: model: found a list, expected a Hugging Face folder"),
    ("model: true", "run.yaml:1:8: model: found true, expected a Hugging Face folder (in quotes, if it is called so)"),
    (
      "model: ~jo/m",
      "run.yaml:1:8: model: found ~jo/m, expected a Hugging Face folder: ~/ is understood, ~NAME is not (./~NAME is a file)"
    ),
    (
      "model: \"a\\0b\"",
      "run.yaml:1:8: model: found \"a\u{FFFD}b\", expected a Hugging Face folder, of at most 4096 bytes and none of them zero"
    ),
  ])
  func whole(yaml: String, message: String) { expect(yaml, message) }

  @Test(arguments: [
    (
      "allocation:\n  sparcity: 0.3",
      "run.yaml:3:3: unknown key \"sparcity\" in allocation (did you mean \"sparsity\"?)"
    ),
    ("sparsity: 0.3", "run.yaml:2:1: unknown key \"sparsity\" at top level (did you mean \"allocation.sparsity\"?)"),
    ("run_folder: a", "run.yaml:2:1: unknown key \"run_folder\" at top level (did you mean \"run-folder\"?)"),
    ("Output: a", "run.yaml:2:1: unknown key \"Output\" at top level (did you mean \"output\"?)"),
    ("lora: a", "run.yaml:2:1: unknown key \"lora\" at top level (its keys: \(topKeys))"),
    (
      "scoring: {stages: 4}",
      "run.yaml:2:11: unknown key \"stages\" in scoring (did you mean \"tuning.stages\"?)"
    ),
    (
      "scoring: {wanda-norm: 4}",
      "run.yaml:2:11: unknown key \"wanda-norm\" in scoring (its keys: criterion, objective, accumulation, seed, exchange)"
    ),
    (
      "allocation.sparsity: 0.4",
      "run.yaml:2:1: unknown key \"allocation.sparsity\" at top level (its keys: \(topKeys))"
    ),
    ("model: n", "run.yaml:1:1: key \"model\" is given more than once"),
    (
      "evaluation:\n  window: 8\n  \"window\": 9",
      "run.yaml:3:3: key \"window\" is given more than once"
    ),
    ("allocation: 0.3", "run.yaml:2:13: allocation: found 0.3, expected the keys method, sparsity, gamma, round-to"),
  ])
  func keys(yaml: String, message: String) { expect("model: m\n" + yaml, message) }

  @Test(arguments: [
    ("\"a lot\"", "\"a lot\""), ("yes", "yes"), ("1.0", "1.0"), ("-0.1", "-0.1"), (".nan", ".nan"), ("nan", "nan"),
    (".inf", ".inf"), ("1e400", "1e400"), ("0x1p-2", "0x1p-2"), ("30%", "30%"), ("[0.3]", "a list"),
    ("{a: 1}", "a mapping"), ("null", "nothing"), ("\"a\\nb\"", "\"a\u{FFFD}b\""),
    ("0." + String(repeating: "x", count: 99), "0." + String(repeating: "x", count: 46) + "…"),
  ])
  func sparsity(yaml: String, found: String) {
    expect(
      "model: m\nallocation:\n  sparsity: \(yaml)",
      "run.yaml:3:13: allocation.sparsity: found \(found), expected \(Self.number)")
  }

  @Test(arguments: [
    ("calibration: {sequences: 0}", "2:26: calibration.sequences: found 0, expected an integer, 1 or more"),
    ("calibration: {length: 010}", "2:23: calibration.length: found 010, expected an integer, 2 or more"),
    ("calibration: {length: 3e1}", "2:23: calibration.length: found 3e1, expected an integer, 2 or more"),
    (
      "calibration: {length: 99999999999999999999}",
      "2:23: calibration.length: found 99999999999999999999, expected an integer, 2 or more, at most 2147483647"
    ),
    ("calibration: {seed: -1}", "2:21: calibration.seed: found -1, expected an integer, 0 or more"),
    (
      "calibration: {text: [a, 'b', '']}",
      "2:30: calibration.text: found an empty text, expected a file: .txt .jsonl .json (.gz .zst) or .safetensors"
    ),
    ("calibration: {text: [a, [b]]}", "2:26: nested too deeply; a run document has sections and keys"),
    ("overwrite: 1", "2:12: overwrite: found 1, expected true or false"),
    ("overwrite: \"true\"", "2:12: overwrite: found \"true\", expected true or false"),
    (
      "scoring: {criterion: tailor}",
      "2:22: scoring.criterion: found tailor, expected one of ntk, taylor, magnitude, random (did you mean taylor?)"
    ),
    (
      "scoring: {criterion: wanda}",
      "2:22: scoring.criterion: found wanda, expected one of ntk, taylor, magnitude, random"
    ),
    (
      "allocation: {sparsity: \"0.4\"}",
      "2:24: allocation.sparsity: found \"0.4\", expected a number, 0 or more and below 1 (remove the quotes)"
    ),
    ("allocation: {gamma: 0}", "2:21: allocation.gamma: found 0, expected auto or a number above 0"),
    ("evaluation: {window: 1}", "2:22: evaluation.window: found 1, expected an integer, 2 or more"),
    ("evaluation: {limit: 0}", "2:21: evaluation.limit: found 0, expected null or an integer, 1 or more"),
    (
      "repacking: {shard-size: 5 foo}",
      "2:25: repacking.shard-size: found 5 foo, expected bytes, plain or with kB MB GB TB KiB MiB GiB TiB, such as 5GB"
    ),
    ("tuning: {steps: -1}", "2:17: tuning.steps: found -1, expected an integer, 0 or more"),
    ("tuning: {length: 1}", "2:18: tuning.length: found 1, expected an integer, 2 or more"),
    ("tuning: {tau: 0}", "2:15: tuning.tau: found 0, expected a number above 0"),
    ("tuning: {mlp-weight: -1}", "2:22: tuning.mlp-weight: found -1, expected a number, 0 or more"),
    ("tuning: {clip: 0}", "2:16: tuning.clip: found 0, expected null or a number above 0"),
    ("tuning: {stop-at: 1}", "2:19: tuning.stop-at: found 1, expected null or a number above 1"),
    (
      "tuning: {schedule: cubik}",
      "2:20: tuning.schedule: found cubik, expected one of one-shot, linear, cubic (did you mean cubic?)"
    ),
    ("recovery: {dropout: 1}", "2:21: recovery.dropout: found 1, expected a number, 0 or more and below 1"),
    ("recovery: {targets: [query, kei]}", "2:29: recovery.targets: found kei, expected \(targets) (did you mean key?)"),
    ("recovery: {targets: [query, \n  ~]}", "3:3: recovery.targets: found nothing, expected \(targets)"),
    ("recovery: {targets: 'query, '}", "2:21: recovery.targets: found , expected \(targets)"),
    ("recovery: {targets: []}", "2:21: recovery.targets: found none, expected \(targets)"),
    ("recovery: {targets: null}", "2:21: recovery.targets: found nothing, expected \(targets)"),
    ("exchange: {codec: zstd}", "2:19: exchange.codec: found zstd, expected one of exact, bf16, int8, none, auto"),
    ("scoring: {exchange: auto}", "2:21: scoring.exchange: found auto, expected one of exact, bf16, int8, none"),
    ("resources: {threads: all}", "2:22: resources.threads: found all, expected auto or an integer, 1 or more"),
  ])
  func values(yaml: String, message: String) { expect("model: m\n" + yaml, "run.yaml:" + message) }

  @Test(arguments: [
    (
      "scoring:\n  criterion: taylor\n  objective: max-logit",
      "4:14: scoring.objective: found max-logit with the criterion taylor, which is defined on loss; "
        + "remove the objective or use ntk"
    ),
    (
      "evaluation: {stride: 2048}",
      "2:22: evaluation.stride: found the stride 2048, expected 1 to the window of 1024"
    ),
    (
      "scoring: {accumulation: absolute, exchange: int8}",
      "2:45: scoring.exchange: found int8 with the accumulation absolute, which exchanges no gradients; remove it or "
        + "use signed"
    ),
    (
      "allocation: {method: uniform}\ntuning: {steps: 1, granularity: sublayer}",
      "3:33: tuning.granularity: found sublayer with the allocation uniform, which cuts inside of sublayers; use unit or "
        + "block, or allocation.method: depth"
    ),
    (
      "tuning: {steps: 1, granularity: sublayer}",
      "2:33: tuning.granularity: found sublayer with the allocation global, which cuts inside of sublayers; use unit or "
        + "block, or allocation.method: depth"
    ),
    (
      "allocation: {method: depth}\ntuning: {steps: 1, granularity: block}",
      "3:33: tuning.granularity: found gates of the granularity block with the allocation depth, which removes whole "
        + "sublayers; set tuning.granularity: sublayer"
    ),
    (
      "allocation: {method: depth}\ntuning: {steps: 1}",
      "2:22: allocation.method: found gates of the granularity unit with the allocation depth, which removes whole "
        + "sublayers; set tuning.granularity: sublayer"
    ),
    (
      "allocation: {method: depth, gamma: 3}",
      "2:36: allocation.gamma: found 3.0 with the method depth, which ranks attention and MLPs together; remove it"
    ),
    (
      "tuning: {steps: 1, granularity: block, block: 12}",
      "2:47: tuning.block: found blocks of 12 neurons, no multiple of allocation.round-to (8); change one of them"
    ),
    (
      "allocation: {round-to: 128}\ntuning: {steps: 1, granularity: block}",
      "3:33: tuning.granularity: found blocks of 64 neurons, no multiple of allocation.round-to (128); change one of them"
    ),
    (
      "generation: {prompt: 512}",
      "2:22: generation.prompt: found prompts of 512 tokens in sequences of 512, which leave nothing to write; prompt has "
        + "to be below length"
    ),
    (
      "generation: {length: 16}",
      "2:22: generation.length: found prompts of 16 tokens in sequences of 16, which leave nothing to write; prompt has "
        + "to be below length"
    ),
    (
      "output: t\nrecovery: {teacher: t/dense}",
      "2:9: output: found t, which is or contains the teacher's folder"
    ),
    ("output: ./a/../m/", "2:9: output: found ./a/../m/, which is or contains the model's folder"),
    ("output: /work-folder", "2:9: output: found /work-folder, which is or contains the model's folder"),
    (
      "output: o\nrun-folder: o/run",
      "3:13: run-folder: found o/run, which is the model's folder, the output, or inside the output"
    ),
    ("run-folder: m", "2:13: run-folder: found m, which is the model's folder, the output, or inside the output"),
  ])
  func combinations(yaml: String, message: String) { expect("model: m\n" + yaml, "run.yaml:" + message) }

  /// Gates that are not tuned are in nobody's way.
  @Test(arguments: [
    "allocation: {method: depth}", "tuning: {granularity: sublayer}", "tuning: {granularity: block, block: 12}",
    "allocation: {method: depth}\ntuning: {steps: 1, granularity: sublayer}",
    "allocation: {round-to: 32}\ntuning: {steps: 1, granularity: block}",
    "allocation: {method: depth, gamma: auto}",
  ])
  func fittingCombinations(yaml: String) throws {
    let document = try RunDocument(yaml: "model: m\n" + yaml, environment: testEnvironment)
    #expect(document.tuning.granularity != .unit || document.allocation.method == .depth)
  }

  @Test(arguments: [
    (
      "model: m\nallocation:\n\tsparsity: 1",
      "3:1: not YAML: found character that cannot start any token (a tab; indent with spaces)"
        + " while scanning for the next token (line 3)"
    ),
    ("model: [a", "2:1: not YAML: did not find expected ',' or ']' while parsing a flow sequence (line 1)"),
    ("model: \"a\u{1}\"", "1:10: not YAML: control characters are not allowed"),
    ("model: m\n---\nmodel: n", "2:1: a second document starts here; a run is one document"),
    ("model: &a m\noutput: *a", "2:9: aliases (*a) are not supported; write the value itself"),
    ("model: m\n*a : 1", "2:1: aliases (*a) are not supported; write the value itself"),
    ("model: !path m", "1:8: tags (!path) are not supported; remove it"),
    ("? model\n: m", "2:1: keys that start with \"? \" are not supported; write KEY: VALUE"),
    ("[a]: m", "1:1: found a list where a key belongs"),
    ("model: m\n<<: {output: a}", "2:1: unknown key \"<<\" at top level (its keys: \(topKeys))"),
  ])
  func yaml(yaml: String, message: String) { expect(yaml, "run.yaml:" + message) }

  @Test func filesThatCannotBeRead() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("run-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let missing = #expect(throws: RunDocumentError.self) { try RunDocument.bytes(ofFile: folder.path + "/none") }
    #expect(missing?.message == "\(folder.path)/none: there is no such file; name a readable YAML file")
    let isFolder = #expect(throws: RunDocumentError.self) { try RunDocument.bytes(ofFile: folder.path) }
    #expect(isFolder?.message == "\(folder.path): not a file that can be read; name a readable YAML file")
    let file = folder.appendingPathComponent("run.yaml")
    try Data("model: m\n".utf8).write(to: file)
    let bytes = try RunDocument.bytes(ofFile: file.path)
    #expect(try RunDocument(bytes: bytes, environment: testEnvironment).model == "m")
    try Data(count: RunDocument.maximumBytes + 1).write(to: file)
    let large = #expect(throws: RunDocumentError.self) { try RunDocument.bytes(ofFile: file.path) }
    #expect(large?.code == .tooLarge)
  }

  private func expect(_ yaml: String, _ message: String) {
    let error = #expect(throws: RunDocumentError.self) { try RunDocument(yaml: yaml, environment: testEnvironment) }
    #expect(error?.description == message)
  }
}
