/// Safetensors files put together byte by byte, so that they can be wrong.
public enum SafetensorsBytes {
  /// A file with the header text `header` and `dataByteCount` bytes 0, 1, 2 … behind it.
  public static func file(header: String, dataByteCount: Int) -> [UInt8] {
    let text = [UInt8](header.utf8)
    return length(UInt64(text.count)) + text + (0..<dataByteCount).map { UInt8(truncatingIfNeeded: $0) }
  }

  /// The 8 bytes of a header's length.
  public static func length(_ count: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * UInt64($0))) }
  }

  /// One tensor's part of a header.
  public static func entry(_ name: String, _ type: String, _ shape: String, _ begin: String, _ end: String) -> String {
    "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(begin),\(end)]}"
  }
}
