import CZlib
import CZstd

/// One way of decompressing.
protocol Decompression {
  /// Whether the input may end here.
  var isBetweenMembers: Bool { get }

  /// Decompresses some of `input[range]` into the start of `output`; returns the bytes read and written.
  mutating func decode(
    _ input: [UInt8], _ range: Range<Int>, into output: inout [UInt8]
  ) throws(CalibrationError) -> (consumed: Int, produced: Int)
}

/// Text as it is.
struct Identity: Decompression {
  let isBetweenMembers = true

  func decode(
    _ input: [UInt8], _ range: Range<Int>, into output: inout [UInt8]
  ) throws(CalibrationError) -> (consumed: Int, produced: Int) {
    output.replaceSubrange(0..<range.count, with: input[range])
    return (range.count, range.count)
  }
}

/// gzip (RFC 1952), of any number of members, by zlib.
@safe
final class GzipDecoder: Decompression {
  private let path: String
  private let stream: UnsafeMutablePointer<z_stream>
  private(set) var isBetweenMembers = false

  init(path: String) throws(CalibrationError) {
    self.path = path
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    guard unsafe espalier_inflate_init_gzip(stream) == Z_OK else {
      throw CalibrationError(.unreadableFile, "\(path): no memory to decompress gzip data")
    }
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  func decode(
    _ input: [UInt8], _ range: Range<Int>, into output: inout [UInt8]
  ) throws(CalibrationError) -> (consumed: Int, produced: Int) {
    if isBetweenMembers {
      // Zeros behind the last member are padding, as gzip itself takes them.
      if input[range].allSatisfy({ $0 == 0 }) { return (range.count, 0) }
      unsafe inflateReset(stream)
      isBetweenMembers = false
    }
    let count = output.count
    let status = unsafe input.withUnsafeBufferPointer { input in
      unsafe output.withUnsafeMutableBufferPointer { output in
        let start = unsafe input.baseAddress.map { unsafe $0 + range.lowerBound }
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: start)
        unsafe stream.pointee.avail_in = UInt32(range.count)
        unsafe stream.pointee.next_out = output.baseAddress
        unsafe stream.pointee.avail_out = UInt32(output.count)
        return unsafe inflate(stream, Z_NO_FLUSH)
      }
    }
    let consumed = unsafe range.count - Int(stream.pointee.avail_in)
    let produced = unsafe count - Int(stream.pointee.avail_out)
    switch status {
    // Z_BUF_ERROR: nothing more without more input.
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: isBetweenMembers = true
    default: throw CalibrationError(.damagedCompression, "\(path): the gzip data are damaged (zlib error \(status))")
    }
    return (consumed, produced)
  }
}

/// Zstandard (RFC 8878), of any number of frames.
@safe
final class ZstdDecoder: Decompression {
  /// Frames may ask for windows of up to 2^27 bytes (128 MiB), what the `zstd` command accepts.
  private static let maximumWindowLog: CInt = 27

  private let path: String
  private let context: OpaquePointer
  private(set) var isBetweenMembers = true

  init(path: String) throws(CalibrationError) {
    self.path = path
    guard let context = unsafe ZSTD_createDCtx() else {
      throw CalibrationError(.unreadableFile, "\(path): no memory to decompress Zstandard data")
    }
    unsafe self.context = context
    unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.maximumWindowLog)
  }

  deinit { unsafe ZSTD_freeDCtx(context) }

  func decode(
    _ input: [UInt8], _ range: Range<Int>, into output: inout [UInt8]
  ) throws(CalibrationError) -> (consumed: Int, produced: Int) {
    // Asked between frames, Zstandard would wait for another one.
    if isBetweenMembers && range.isEmpty { return (0, 0) }
    var consumed = 0
    var produced = 0
    let status = unsafe input.withUnsafeBytes { input in
      unsafe output.withUnsafeMutableBytes { output in
        let start = unsafe input.baseAddress.map { unsafe $0 + range.lowerBound }
        var source = unsafe ZSTD_inBuffer(src: start, size: range.count, pos: 0)
        var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let status = unsafe ZSTD_decompressStream(context, &target, &source)
        unsafe (consumed, produced) = (source.pos, target.pos)
        return status
      }
    }
    guard ZSTD_isError(status) == 0 else {
      let name = unsafe String(cString: ZSTD_getErrorName(status))
      throw CalibrationError(.damagedCompression, "\(path): the Zstandard data are damaged: \(name)")
    }
    isBetweenMembers = status == 0
    return (consumed, produced)
  }
}
