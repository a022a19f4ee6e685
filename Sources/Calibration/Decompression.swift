import CZlib
import CZstd

/// One way of decompressing.
protocol Decompression {
  /// Whether the input may end here.
  var isBetweenMembers: Bool { get }
  /// Bytes passed over behind the end of what is compressed.
  var ignoredBytes: Int { get }

  /// Decompresses some of `input[range]` into the start of `output`; returns the bytes read and written.
  mutating func decode(
    _ input: [UInt8], _ range: Range<Int>, into output: inout [UInt8]
  ) throws(CalibrationError) -> (consumed: Int, produced: Int)
}

extension Decompression {
  var ignoredBytes: Int { 0 }
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

/// gzip (RFC 1952), of any number of members, by zlib. Behind the last one zeros are padding, and what is no member at all
/// is passed over, as `gzip -d` does.
@safe
final class GzipDecoder: Decompression {
  private let path: String
  private let stream: UnsafeMutablePointer<z_stream>
  private(set) var isBetweenMembers = false
  private(set) var ignoredBytes = 0
  private var hasMember = false

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
    if ignoredBytes > 0 {
      ignoredBytes += range.count
      return (range.count, 0)
    }
    if isBetweenMembers {
      let padding = input[range].prefix { $0 == 0 }.count
      if padding > 0 || range.isEmpty { return (padding, 0) }
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
    case Z_STREAM_END: (isBetweenMembers, hasMember) = (true, true)
    // Two bytes tell a member.
    case Z_DATA_ERROR where unsafe hasMember && stream.pointee.total_in <= 2:
      isBetweenMembers = true
      ignoredBytes = range.count
      return (range.count, 0)
    default: throw CalibrationError(.damagedCompression, "\(path): the gzip data are damaged (zlib error \(status))")
    }
    return (consumed, produced)
  }
}

/// Zstandard (RFC 8878), of any number of frames.
@safe
final class ZstdDecoder: Decompression {
  /// Frames may ask for windows of up to 2^31 bytes (`zstd --long=31`), the most that the library has. A window is held in
  /// memory as far as text has come to fill it.
  private static let maximumWindowLog = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound

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
    guard ZSTD_isError(status) == 0 else { throw failure(status) }
    isBetweenMembers = status == 0
    return (consumed, produced)
  }

  private func failure(_ status: Int) -> CalibrationError {
    switch ZSTD_getErrorCode(status) {
    case ZSTD_error_frameParameter_windowTooLarge:
      return CalibrationError(
        .tooLarge,
        "\(path): a Zstandard window of more than 2^\(Self.maximumWindowLog) bytes; compress it again with "
          + "--long=\(Self.maximumWindowLog) or less")
    case ZSTD_error_memory_allocation:
      return CalibrationError(
        .unreadableFile,
        "\(path): no memory for the window of this Zstandard data; decompress it first (zstd -d --long=31), or compress "
          + "it again without --long")
    default:
      let name = unsafe String(cString: ZSTD_getErrorName(status))
      return CalibrationError(.damagedCompression, "\(path): the Zstandard data are damaged: \(name)")
    }
  }
}
