import Architectures
import Artifacts
import Blueprints
import CZlib
import Calibration
import Checkpoints
import Communication
import Safetensors
import Tensors
import Tokenizers

/// What each target does with its file beyond opening it, so that what was accepted is also used.
extension FuzzTarget {
  static func readSafetensors(_ path: String) throws {
    let file = try SafetensorsFile(path: path)
    for name in file.names {
      let tensor = try file.tensor(name)
      // Integers are refused.
      do { _ = try tensor.floats() } catch { guard error.code == .unsupportedElementType else { throw error } }
    }
  }

  static func readFolder(_ path: String) throws {
    let model = try Model(path: path)
    for (_, specification) in model.specifications { _ = try model.tensor(specification).floats() }
    _ = model.blueprint.prunableLayers
    _ = try model.endOfText()
    _ = model.folder.modelHash()
  }

  static func readTokenizer(_ path: String) throws {
    let tokenizer = try Tokenizer(contentsOfFile: path)
    let ids = try tokenizer.encode("Hello, wörld!  don't 1234\n\t<|endoftext|> 你好 e\u{301}")
    _ = try tokenizer.decode(ids)
    _ = try tokenizer.decode([-1, 0, 1, 2, Int32.max])
  }

  static func readPlan(_ path: String) throws {
    let plan = try PruningPlan(contentsOfFile: path)
    _ = try plan.canonicalJSON()
    _ = try plan.digest()
    let layer = PrunableLayer(
      attentionUnits: 2, attentionParametersPerUnit: 64, mlpUnits: 96, mlpParametersPerUnit: 3)
    _ = try plan.checked(
      against: Array(repeating: layer, count: plan.layers.count), modelHash: plan.modelHash, file: path)
  }

  static func readText(_ path: String) throws {
    var left = 1 << 20
    try TextSource(path: path).forEachDocument { document throws(CalibrationError) in
      left -= document.utf8.count
      return left > 0
    }
  }

  /// The first byte chooses the codec, the second the count; the rest is the message, whose checksum is made right so
  /// that what lies behind it is read too.
  static func readFrame(_ bytes: [UInt8]) throws {
    guard bytes.count > 2 else { return }
    let codecs = GradientCodec.allCases
    let coder = try GradientCoder(codecs[Int(bytes[0]) % codecs.count])
    var message = Array(bytes[2...])
    if message.count >= 28 {
      let payload = Array(message[28...])
      let head = unsafe crc32_z(0, Array(message[..<24]), 24)
      // Given no bytes at all, zlib starts anew.
      let sum = payload.isEmpty ? head : unsafe crc32_z(head, payload, payload.count)
      for byte in 0..<4 { message[24 + byte] = UInt8(truncatingIfNeeded: sum >> (8 * UInt(byte))) }
    }
    var values = [Float](repeating: 0, count: Int(bytes[1]))
    try coder.decode(message, into: &values)
  }
}
