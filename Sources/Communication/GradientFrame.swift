internal import CZlib

/// A message with encoded gradients: 28 bytes of header, then the payload.
///
///     0  magic "ESGX"      6  flags: 1 = payload stored without Zstandard     16  bytes of the payload, 8
///     4  version, 1        7  0                                               24  CRC-32 of bytes 0..<24 and payload, 4
///     5  codec             8  count of values, 8
///
/// The payload is a Zstandard frame per plane, end to end, or the planes themselves.
///
/// Numbers are little-endian. A receiver knows codec and count beforehand, so that nothing in a message decides how much
/// memory is taken.
struct GradientFrame {
  static let headerBytes = 28
  private static let magic: [UInt8] = Array("ESGX".utf8)
  private static let version: UInt8 = 1

  /// Whether the payload is the codec's planes as they are, because Zstandard did not make them smaller.
  let isStored: Bool

  /// Checks everything that a header says; the payload is then `message[headerBytes...]`, undamaged.
  ///
  /// - Throws: `damaged`, saying what is wrong.
  init(checking message: [UInt8], codec: GradientCodec, count: Int) throws(CommunicationError) {
    guard message.count >= Self.headerBytes else {
      throw Self.damage("it has \(message.count) bytes, less than a header")
    }
    guard message.starts(with: Self.magic) else { throw Self.damage("it does not begin with ESGX") }
    guard Self.number(message, 24, 4) == UInt64(Self.checksum(message)) else {
      throw Self.damage("its checksum is wrong")
    }
    guard message[4] == Self.version else { throw Self.damage("it is of version \(message[4])") }
    guard message[5] == codec.number else {
      throw Self.damage("it is of codec \(message[5]), not \(codec.number) (\(codec.rawValue))")
    }
    guard message[6] <= 1, message[7] == 0 else { throw Self.damage("it has unknown flags") }
    let values = Self.number(message, 8, 8)
    guard values == UInt64(count) else { throw Self.damage("it has \(values) values, not \(count)") }
    let payload = Self.number(message, 16, 8)
    guard payload == UInt64(message.count - Self.headerBytes) else {
      throw Self.damage("it says \(payload) bytes and has \(message.count - Self.headerBytes)")
    }
    isStored = message[6] == 1
    guard !isStored || message.count - Self.headerBytes == codec.planes(of: count).byteCount else {
      throw Self.damage("\(payload) stored bytes are not \(count) values")
    }
  }

  /// Empties `message` and gives it room for a header; `seal` fills that once the payload stands behind it.
  static func begin(_ message: inout [UInt8]) {
    message.removeAll(keepingCapacity: true)
    message.append(contentsOf: repeatElement(0, count: headerBytes))
  }

  /// Writes the header of a message whose payload is complete.
  static func seal(_ message: inout [UInt8], codec: GradientCodec, count: Int, isStored: Bool) {
    message.replaceSubrange(0..<4, with: magic)
    message[4] = version
    message[5] = codec.number
    message[6] = isStored ? 1 : 0
    message[7] = 0
    put(UInt64(count), in: &message, 8, 8)
    put(UInt64(message.count - headerBytes), in: &message, 16, 8)
    put(UInt64(checksum(message)), in: &message, 24, 4)
  }

  static func damage(_ what: String) -> CommunicationError {
    CommunicationError(
      .damaged, "a gradient message is damaged: \(what); look for faults of network or memory, or ranks of other builds"
    )
  }

  private static func checksum(_ message: [UInt8]) -> UInt32 {
    unsafe message.withUnsafeBytes { bytes in
      let head = unsafe CRC32.of(UnsafeRawBufferPointer(rebasing: bytes[..<24]))
      return unsafe CRC32.of(UnsafeRawBufferPointer(rebasing: bytes[headerBytes...]), after: head)
    }
  }

  private static func put(_ number: UInt64, in message: inout [UInt8], _ offset: Int, _ bytes: Int) {
    for byte in 0..<bytes { message[offset + byte] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(byte))) }
  }

  private static func number(_ message: [UInt8], _ offset: Int, _ bytes: Int) -> UInt64 {
    (0..<bytes).reversed().reduce(0) { $0 << 8 | UInt64(message[offset + $1]) }
  }
}

/// The checksum of gzip and PNG (RFC 1952), by zlib.
enum CRC32 {
  static func of(_ bytes: UnsafeRawBufferPointer, after start: UInt32 = 0) -> UInt32 {
    // Given no bytes at all, zlib starts anew.
    guard let base = bytes.baseAddress, bytes.count > 0 else { return start }
    return UInt32(
      truncatingIfNeeded: unsafe crc32_z(UInt(start), base.assumingMemoryBound(to: UInt8.self), bytes.count))
  }
}
