internal import Checkpoints
internal import Tensors

/// Recognises folders of quantised weights, which are not pruned, to call the method by its name.
enum Quantization {
  private static let remedy =
    "Espalier prunes unquantised models, so give the folder that this one was made from, or dequantise it"

  /// How `quant_method` spells a method, and how people do.
  private static let names = [
    "gptq": "GPTQ", "awq": "AWQ", "fp8": "FP8", "fbgemm_fp8": "FP8 of FBGEMM", "bitsandbytes": "bitsandbytes",
    "mxfp4": "MXFP4", "compressed-tensors": "compressed-tensors", "modelopt": "ModelOpt", "hqq": "HQQ", "aqlm": "AQLM",
    "quanto": "Quanto", "torchao": "torchao", "eetq": "EETQ", "higgs": "HIGGS", "vptq": "VPTQ",
    "auto-round": "AutoRound",
  ]

  /// - Throws: ``CheckpointError`` with code `unsupportedType` for a config.json that says that its weights are quantised.
  static func requireNone(_ configuration: ModelConfiguration) throws(CheckpointError) {
    let key = configuration["quantization_config"] == nil ? "compression_config" : "quantization_config"
    guard let entry = configuration[key], entry.objectValue?.isEmpty != true else { return }
    var method = entry["quant_method"]?.stringValue ?? ""
    // bitsandbytes, before it named itself.
    if method.isEmpty, entry["load_in_4bit"] != nil || entry["load_in_8bit"] != nil { method = "bitsandbytes" }
    let name = names[method.lowercased()] ?? (method.isEmpty ? "a method that it does not name" : method)
    throw CheckpointError(
      .unsupportedType,
      "\(configuration.path): the model is quantised with \(name) (key \(configuration.name(key))"
        + (method.isEmpty ? "" : ", quant_method \(OneLine.quoted(method))")
        + "); \(remedy); where its weights are F32, BF16 or "
        + "F16 all the same, remove the key")
  }

  /// What tensors are named by the methods, the more telling first.
  private static let signs: [(suffix: String, method: String)] = [
    (".g_idx", "GPTQ"), (".qzeros", "GPTQ or AWQ"), (".qweight", "GPTQ or AWQ"),
    (".weight_packed", "compressed-tensors"), (".weight_scale_inv", "FP8"),
    (".weight.quant_map", "bitsandbytes, 4 bits"),
    (".weight.absmax", "bitsandbytes, 4 bits"), (".SCB", "bitsandbytes, 8 bits"), ("_blocks", "MXFP4"),
    (".W_q", "HQQ"), (".weight_scale", "FP8, NVFP4 or INT8"), (".scales", "an unknown method"),
  ]

  /// What is wrong with weights whose names show that they are quantised, and what to do; nil where they do not.
  static func problem(_ names: some Sequence<String>) -> String? {
    let names = names.sorted()
    for (suffix, method) in signs {
      guard let name = names.first(where: { $0.hasSuffix(suffix) }) else { continue }
      return "the model is quantised (\(method): there is \(OneLine.quoted(name))); \(remedy)"
    }
    return nil
  }
}
