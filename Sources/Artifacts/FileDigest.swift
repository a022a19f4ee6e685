package import Crypto
package import Tensors

extension SHA256Digest {
  /// 64 lowercase hexadecimal digits.
  package var hexadecimal: String { map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined() }
}

/// Checksums of whole files.
package enum FileDigest {
  /// SHA-256 of the file at `path`, in 64 hexadecimal digits.
  ///
  /// - Throws: ``StorageError`` when it cannot be read.
  package static func sha256(_ path: String) throws(StorageError) -> String {
    let file = try MappedFile(path: path)
    var hash = SHA256()
    unsafe file.bytes.withUnsafeBytes { unsafe hash.update(bufferPointer: $0) }
    return hash.finalize().hexadecimal
  }
}
