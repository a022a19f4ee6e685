/// Which files of a model's folder are true of every model with the same tokens, however wide its layers are.
enum CarriedFiles {
  /// A folder of named chat templates beside the default one.
  static let templateFolder = "additional_chat_templates"

  static func isCarried(_ name: String) -> Bool { isRead(name) || isLicense(name) }

  /// Whether loaders look for a file of that name, and would take it for the model's own.
  static func isRead(_ name: String) -> Bool {
    tokenizers.contains(name) || name.hasPrefix("tokenizer.model") || name.hasSuffix(".tiktoken")
      || name.hasSuffix(".spm") || name == "generation_config.json" || processors.contains(name)
      || name.hasPrefix("chat_template") && (name.hasSuffix(".jinja") || name.hasSuffix(".json"))
  }

  /// Whether a file may have an `auto_map`, which names Python files.
  static func mayNameCode(_ name: String) -> Bool { name == tokenizerConfiguration || processors.contains(name) }

  static func isTemplate(_ path: String) -> Bool {
    path.hasPrefix("\(templateFolder)/") && path.hasSuffix(".jinja") && !path.hasPrefix("\(templateFolder)/.")
  }

  /// Files that no model written here has, and that make loaders read the folder as something else: an adapter's, with
  /// PEFT installed; Mistral's own format; GPTQ and AWQ.
  static let misleading: Set<String> = [
    "adapter_config.json", "params.json", "quantize_config.json", "quant_config.json",
  ]

  static let tokenizerConfiguration = "tokenizer_config.json"

  /// The names that transformers' tokenizers save, and Mistral's and OpenAI's.
  private static let tokenizers: Set<String> = [
    "tokenizer.json", tokenizerConfiguration, "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt",
    "vocab.bpe", "encoder.json", "merges.txt", "bpe.codes", "dict.txt", "spiece.model", "spm.model", "spm_char.model",
    "sentencepiece.model", "sentencepiece.bpe.model", "tiktoken.model", "tekken.json", "vocab-src.json",
    "vocab-tgt.json", "target_vocab.json", "entity_vocab.json", "emoji.json", "normalizer.json", "byte_maps.json",
    "prophetnet.tokenizer",
  ]

  private static let processors: Set<String> = [
    "preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json",
  ]

  private static func isLicense(_ name: String) -> Bool {
    let lowercase = name.lowercased()
    let ending = lowercase.lastIndex(of: ".").map { String(lowercase[$0...]) } ?? ""
    return ["license", "licence", "notice", "copying", "use_policy"].contains { lowercase.contains($0) }
      && ["", ".txt", ".md", ".rst", ".pdf", ".html"].contains(ending)
  }
}
