internal import Crypto
internal import Safetensors

/// Which model this is.
extension CheckpointFolder {
  /// SHA-256, in hexadecimal, over the configuration (as canonical JSON, so that formatting does not matter) and, of each
  /// weight file in the order of names: name, size, whole header, and the first and last 64 KiB of data.
  ///
  /// It tells models, revisions and damaged copies of different size apart, at the cost of reading little: ranks compare
  /// it before they work together, and a resumed run before it goes on. It is no checksum: a change in the middle of a
  /// weight file, at the same size, leaves it as it is.
  public func modelHash() -> String {
    let sample = 64 * 1024
    var hash = SHA256()
    func add(_ text: String) {
      // The length keeps neighbouring parts from running into each other.
      hash.update(data: [UInt8]("\(text.utf8.count):".utf8))
      hash.update(data: [UInt8](text.utf8))
    }
    add(configuration.value.canonicalText)
    for (file, name) in zip(files, fileNames) {
      add(name)
      add("\(file.fileByteCount) \(file.headerByteCount)")
      let end = file.fileByteCount
      let headEnd = min(end, file.headerByteCount + sample)
      for range in [0..<headEnd, max(headEnd, end - sample)..<end] {
        unsafe file.bytes.extracting(range).withUnsafeBytes { unsafe hash.update(bufferPointer: $0) }
      }
    }
    return hash.finalize().map { byte in
      let digits = String(byte, radix: 16)
      return byte < 16 ? "0" + digits : digits
    }.joined()
  }
}
