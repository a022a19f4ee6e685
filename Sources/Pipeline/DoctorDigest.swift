internal import Artifacts
internal import Crypto
internal import Foundation
internal import Tensors

/// SHA-256 of files, in hexadecimal.
enum DoctorDigest {
  /// Files up to here are read whole.
  private static let smallBytes = 4 << 20
  /// Bytes of a larger file that are read at its end, and after a header.
  private static let sampleBytes = 64 << 10
  private static let pieceBytes = 8 << 20

  /// Of the first `head` bytes with some after them, and of the last; of all of a small file.
  static func sample(_ path: String, head: Int) throws -> (bytes: Int, digest: String) {
    // Refuses pipes and devices, which would not end.
    let size = try MappedFile(path: path).size
    var hash = SHA256()
    let first = size <= smallBytes ? size : min(size, head + sampleBytes)
    for range in [0..<first, max(first, size - sampleBytes)..<size] where !range.isEmpty {
      try read(path, range) { hash.update(data: $0) }
    }
    return (size, hash.finalize().hexadecimal)
  }

  /// Of all of a file; nil when it cannot be read.
  static func wholeFile(_ path: String) -> String? {
    guard let file = FileHandle(forReadingAtPath: path) else { return nil }
    var hash = SHA256()
    while let piece = try? file.read(upToCount: pieceBytes), !piece.isEmpty { hash.update(data: piece) }
    return hash.finalize().hexadecimal
  }

  /// Gives `body` the bytes of `range`, piece by piece.
  static func read(_ path: String, _ range: Range<Int>, _ body: (Data) throws -> Void) throws {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw StorageError(.notFound, "cannot open \(path); check its permissions")
    }
    try file.seek(toOffset: UInt64(range.lowerBound))
    var left = range.count
    while left > 0 {
      guard let piece = try file.read(upToCount: min(left, pieceBytes)), !piece.isEmpty else {
        throw StorageError(
          .inputOutput, "\(path) ends before byte \(range.upperBound); it is being changed, or damaged")
      }
      try body(piece)
      left -= piece.count
    }
  }
}
