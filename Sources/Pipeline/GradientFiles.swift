internal import Communication
internal import Safetensors
internal import Tensors

/// Dumped gradients, read for the benchmark of their exchange.
struct GradientFiles {
  /// The flat gradient of each step, all of one length.
  let steps: [[Float]]

  /// Reads safetensors files of float32 tensors. A file whose tensors are all named `step.N` holds one gradient in each,
  /// in the order of N; any other holds one, its tensors end to end in the order of their names.
  ///
  /// - Throws: ``SafetensorsError``, ``StorageError`` for tensors of another type or unequal lengths, and a
  ///   ``CommunicationError`` for values that are not finite; each names the file.
  init(paths: [String]) throws {
    var steps: [[Float]] = []
    for path in paths {
      for step in try Self.steps(of: SafetensorsFile(path: path)) {
        if let first = steps.first, first.count != step.count {
          throw StorageError(
            .sizeMismatch,
            "\(path): a gradient of \(step.count) values where the first has \(first.count); give gradients of one model"
          )
        }
        if let index = step.firstIndex(where: { !$0.isFinite }) {
          throw CommunicationError(
            .notFinite, "\(path): a gradient has \(step[index]) at element \(index); give gradients that are finite")
        }
        steps.append(step)
      }
    }
    self.steps = steps
  }

  private static func steps(of file: SafetensorsFile) throws -> [[Float]] {
    let numbered = file.names.compactMap { name in number(name).map { (number: $0, name: name) } }.sorted { $0 < $1 }
    guard !file.names.isEmpty else {
      throw SafetensorsError(.missingTensor, "\(file.path): no tensor in it; give a dump of gradients")
    }
    if numbered.count == file.names.count { return try numbered.map { try floats($0.name, in: file) } }
    guard numbered.isEmpty else {
      throw SafetensorsError(
        .missingTensor,
        "\(file.path): some tensors are named step.N and others are not; keep steps and parameters in files of their own"
      )
    }
    return [try file.names.flatMap { try floats($0, in: file) }]
  }

  private static func floats(_ name: String, in file: SafetensorsFile) throws -> [Float] {
    let tensor = try file.tensor(name)
    guard tensor.elementType == .float32 else {
      throw StorageError(
        .unsupportedElementType,
        "\(file.path): tensor \(OneLine.quoted(name)) is \(tensor.elementType.safetensorsName); gradients are F32")
    }
    return try tensor.floats()
  }

  /// N of `step.N`.
  private static func number(_ name: String) -> Int? {
    let digits = name.dropFirst("step.".count)
    guard name.hasPrefix("step."), !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    return Int(digits)
  }
}
