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

  /// A file of token ids, `[sequence, token]`, as `input_ids`; without `shape` that of the sequences.
  public static func inputIDs(_ sequences: [[Int32]], type: String = "I32", shape: String? = nil) -> [UInt8] {
    let bytes = sequences.joined().flatMap { id in (0..<4).map { UInt8(truncatingIfNeeded: id >> (8 * Int32($0))) } }
    let shape = shape ?? "[\(sequences.count),\(sequences.first?.count ?? 0)]"
    let header = [UInt8]("{\(entry("input_ids", type, shape, "0", "\(bytes.count)"))}".utf8)
    return length(UInt64(header.count)) + header + bytes
  }
}
