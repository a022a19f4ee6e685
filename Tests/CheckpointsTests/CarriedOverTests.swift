import Checkpoints
import Foundation
import TestSupport
import Testing

/// What goes along from a model's folder.
@Suite struct CarriedOverTests {
  private static func model(_ files: [String: String]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write("{}", to: "config.json")
    try ModelFolderBuilder.weights(["a"], to: folder.file("model.safetensors"))
    for (name, text) in files { try folder.write(text, to: name) }
    return folder
  }

  static let carried = [
    "LICENSE", "LICENSE.txt", "Llama-3-Licence.md", "NOTICE", "USE_POLICY.md", "added_tokens.json",
    "chat_template.jinja", "chat_template.json", "generation_config.json", "merges.txt", "o200k.tiktoken",
    "preprocessor_config.json", "sentencepiece.bpe.model", "special_tokens_map.json", "spiece.model", "tekken.json",
    "tokenizer.json", "tokenizer.model", "tokenizer.model.v3", "tokenizer_config.json", "vocab.json", "vocab.txt",
  ]
  static let left = [
    "README.md", "adapter_config.json", "adapter_model.safetensors", "all_results.json", "configuration_llama.py",
    "license.safetensors", "model.GGUF", "model.safetensors.index.json.bak", "modeling_llama.py", "modules.json",
    "optimizer.pt", "params.json", "pytorch_model.bin", "pytorch_model.bin.index.json", "quantize_config.json",
    "run.log", "tokenization_llama.py", "trainer_state.json", "training_args.bin", "vocab.pkl", "x.onnx",
  ]

  @Test func byAListOfWhatIsTrue() throws {
    let names = Self.carried + Self.left + [".gitattributes", "model.safetensors.index.json"]
    let folder = try Self.model(Dictionary(uniqueKeysWithValues: names.map { ($0, "{}") }))
    try folder.makeFolder("original")
    try folder.link("broken.json", to: "gone")
    try folder.makeFolder("vocab.bpe")
    let found = try CheckpointFolder(path: folder.path).carriedOver(excluding: ["run.log"])
    #expect(found.names == Self.carried.sorted())
    #expect(found.changed.isEmpty)
    #expect(
      found.left
        == (Self.left.filter { $0 != "run.log" } + ["broken.json", "original/", "vocab.bpe/"]).sorted())
  }

  /// Templates lie in a folder of their own, which goes again when a write comes to nothing.
  @Test func namedTemplates() throws {
    let folder = try Self.model(["tokenizer.json": "{}"])
    try folder.makeFolder("additional_chat_templates")
    for name in ["rag.jinja", "tool_use.jinja", "notes.txt"] {
      try folder.write(name, to: "additional_chat_templates/\(name)")
    }
    let model = try CheckpointFolder(path: folder.path)
    let templates = ["additional_chat_templates/rag.jinja", "additional_chat_templates/tool_use.jinja"]
    #expect(try model.carriedOver().names == templates + ["tokenizer.json"])
    #expect(try model.carriedOver().left.isEmpty)
    let parent = try TemporaryFolder()
    let output = try OutputFolder(preparing: parent.file("out"))
    try output.carryOver(from: model)
    #expect(try parent.read("out/\(templates[1])") == Array("tool_use.jinja".utf8))
    output.discard()
    #expect(parent.names.isEmpty)
    // Of an earlier model in the folder.
    try parent.makeFolder("out")
    try parent.makeFolder("out/additional_chat_templates")
    try parent.write("old", to: "out/additional_chat_templates/old.jinja")
    let again = try OutputFolder(preparing: parent.file("out"), overwrite: true)
    try again.carryOver(from: model)
    try again.finish()
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: parent.file("out/additional_chat_templates")).sorted()
        == ["rag.jinja", "tool_use.jinja"])
    let plain = try Self.model(["tokenizer.json": "{}"])
    let without = try OutputFolder(preparing: parent.file("out"), overwrite: true)
    try without.carryOver(from: CheckpointFolder(path: plain.path))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: parent.file("out")).sorted().suffix(1) == ["tokenizer.json"])
  }

  /// A tokenizer with code of its own: the code goes along, with what it imports from beside it.
  @Test func codeOfTheTokenizer() throws {
    let configuration =
      #"{"auto_map": {"AutoTokenizer": ["tokenization_own.OwnTokenizer", null]}, "tokenizer_class": "OwnTokenizer"}"#
    let folder = try Self.model([
      "tokenizer_config.json": configuration,
      "tokenization_own.py": "import os\nfrom .own_tables import TABLE\nfrom .gone import x\n  from . import y\n",
      "own_tables.py": "import .own_base\nfrom .tokenization_own import OwnTokenizer\n", "own_base.py": "",
      "modeling_own.py": "", "processing_own.py": "",
      "processor_config.json": #"{"auto_map": {"AutoProcessor": "processing_own.OwnProcessor"}}"#,
    ])
    let found = try CheckpointFolder(path: folder.path).carriedOver()
    #expect(
      found.copies == [
        "own_base.py", "own_tables.py", "processing_own.py", "processor_config.json", "tokenization_own.py",
        "tokenizer_config.json",
      ])
    #expect(found.changed.isEmpty)
    #expect(found.left == ["modeling_own.py"])
  }

  /// Code that is not there: in a repository, or in no file.
  @Test(
    arguments: [
      #"{"AutoTokenizer": ["someone/model--tokenization_own.OwnTokenizer", null]}"#,
      #"{"AutoTokenizer": ["tokenization_gone.OwnTokenizer", "tokenization_gone.OwnTokenizerFast"]}"#,
      #"["../tokenization_own.OwnTokenizer", null]"#, #"{"AutoTokenizer": 3}"#, #"{"AutoTokenizer": []}"#,
    ], [true, false])
  func codeThatIsNotThere(map: String, hasTokens: Bool) throws {
    var files = [
      "tokenizer_config.json": #"{"auto_map": \#(map), "tokenizer_class": "OwnTokenizer", "model_max_length": 8}"#,
      "tokenization_own.py": "",
    ]
    if hasTokens { files["tokenizer.json"] = "{}" }
    let folder = try Self.model(files)
    let found = try CheckpointFolder(path: folder.path).carriedOver()
    let isNamed = map.contains("OwnTokenizer")
    #expect(
      found.changed == [
        "tokenizer_config.json": [
          "tokenizer_class": hasTokens && isNamed ? "PreTrainedTokenizerFast" : "OwnTokenizer", "model_max_length": 8,
        ]
      ])
    #expect(found.copies == (hasTokens ? ["tokenizer.json"] : []))
    #expect(found.left == ["auto_map of tokenizer_config.json", "tokenization_own.py"])
  }

  /// What is there stays in a map of which a part is not.
  @Test func aPartOfTheCode() throws {
    let folder = try Self.model([
      "preprocessor_config.json":
        #"{"auto_map": {"AutoImageProcessor": "image.Own", "AutoProcessor": "a/b--processing.Own"}, "size": 3}"#,
      "image.py": "", "tokenizer_config.json": "no JSON", "processor_config.json": #"{"auto_map": null}"#,
    ])
    let found = try CheckpointFolder(path: folder.path).carriedOver()
    #expect(
      found.changed == ["preprocessor_config.json": ["auto_map": ["AutoImageProcessor": "image.Own"], "size": 3]])
    #expect(found.copies == ["image.py", "processor_config.json", "tokenizer_config.json"])
  }

  /// In a folder that is replaced, what a loader would take for the new model's goes; other files are the user's.
  @Test func leftoversOfAnotherModel() throws {
    let source = try Self.model(["tokenizer.json": "{}", "LICENSE": "new"])
    let parent = try TemporaryFolder()
    try parent.makeFolder("out")
    let old = [
      "LICENSE-OLD", "adapter_config.json", "added_tokens.json", "chat_template.jinja", "notes.txt",
      "params.json", "tokenizer.json", "tokenizer.model", "vocab.json",
    ]
    for name in old { try parent.write("old", to: "out/\(name)") }
    let output = try OutputFolder(preparing: parent.file("out"), overwrite: true)
    try output.carryOver(from: CheckpointFolder(path: source.path))
    try output.finish()
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: parent.file("out")).sorted()
        == ["LICENSE", "LICENSE-OLD", "notes.txt", "tokenizer.json"])
    #expect(try parent.read("out/tokenizer.json") == Array("{}".utf8))
  }
}
