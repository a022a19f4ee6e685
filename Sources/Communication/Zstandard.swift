internal import CZstd

/// Zstandard with contexts that are kept from one message to the next.
@safe final class Zstandard {
  /// The fastest of the regular levels: links that gain from a higher one are slower than any cluster's.
  private static let level: CInt = 1

  private let compression: OpaquePointer
  private let decompression: OpaquePointer

  init() throws(CommunicationError) {
    guard let compression = unsafe ZSTD_createCCtx() else { throw Self.noMemory }
    guard let decompression = unsafe ZSTD_createDCtx() else {
      unsafe ZSTD_freeCCtx(compression)
      throw Self.noMemory
    }
    unsafe self.compression = compression
    unsafe self.decompression = decompression
  }

  deinit {
    unsafe ZSTD_freeCCtx(compression)
    unsafe ZSTD_freeDCtx(decompression)
  }

  /// Compresses `source` into the start of `target`; gives the bytes written, nil where they would be more than
  /// `target` has.
  func compress(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Int? {
    let written = unsafe ZSTD_compressCCtx(
      compression, target.baseAddress, target.count, source.baseAddress, source.count, Self.level)
    return ZSTD_isError(written) == 0 ? written : nil
  }

  /// Decompresses `source`, which must fill `target` exactly.
  ///
  /// - Throws: `damaged`.
  func decompress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) throws(CommunicationError) {
    let written = unsafe ZSTD_decompressDCtx(
      decompression, target.baseAddress, target.count, source.baseAddress, source.count)
    guard ZSTD_isError(written) == 0 else {
      throw GradientFrame.damage(unsafe "Zstandard finds: \(String(cString: ZSTD_getErrorName(written)))")
    }
    guard written == target.count else {
      throw GradientFrame.damage("it holds \(written) bytes of planes, not \(target.count)")
    }
  }

  private static let noMemory = CommunicationError(.library, "no memory to compress gradients; free some, or use none")
}
