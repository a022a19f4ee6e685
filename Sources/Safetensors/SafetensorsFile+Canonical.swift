internal import Tensors

extension SafetensorsFile {
  /// Whether the header is, byte for byte, what ``SafetensorsWriter`` writes for these tensors and this metadata.
  ///
  /// White space, escapes and the order of keys have no meaning in JSON, so a checksum over what a header says does not
  /// see them change; this does.
  public var isCanonical: Bool {
    let entries = namesInFileOrder.compactMap { try? tensor($0) }.map(TensorEntry.init)
    guard entries.count == namesInFileOrder.count, let ends = try? SafetensorsWriter.layout(entries, path: path) else {
      return false
    }
    let header = SafetensorsWriter.header(entries, ends: ends, metadata: metadata)
    guard header.count == headerByteCount else { return false }
    return unsafe bytes.extracting(0..<headerByteCount).withUnsafeBytes { own in unsafe own.elementsEqual(header) }
  }
}
