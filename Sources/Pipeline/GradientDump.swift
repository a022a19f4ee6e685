internal import Safetensors
internal import Tensors

/// This rank's own gradients of a stage's first steps, before they are exchanged: what `espalier bench exchange` measures
/// codecs on.
final class GradientDump {
  private let path: String
  private var steps: [[Float]] = []

  /// Steps that are kept: enough to see how gradients change, few enough for memory.
  private static let most = 16

  init(path: String) { self.path = path }

  /// Keeps a gradient, when it is one of the first.
  func keep(_ gradient: [Float]) {
    if steps.count < Self.most { steps.append(gradient) }
  }

  /// Writes `step.N`, f32 `[value]`, for each gradient.
  ///
  /// - Throws: ``SafetensorsError`` when the file cannot be written.
  func write() throws {
    let names = steps.indices.map { "step.\($0)" }
    var writer = try SafetensorsWriter(
      path: path,
      entries: zip(names, steps).map { TensorEntry(name: $0, elementType: .float32, shape: [$1.count]) }, metadata: [:])
    for (name, step) in zip(names, steps) { unsafe try writer.append(name: name, bytes: step.span.bytes) }
    try writer.finish()
  }
}
