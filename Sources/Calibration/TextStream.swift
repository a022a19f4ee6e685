/// The bytes of a file's text in order, as UTF-8 without a byte-order mark in front; what is plainly something else is
/// refused by its first bytes.
struct TextStream: ~Copyable {
  private var bytes: ByteStream
  /// The first bytes, which were read to know what they are.
  private var start: [UInt8]?
  /// Bytes of the mark that was left out.
  let markLength: Int

  /// How many bytes show what a text is.
  private static let enough = 1 << 10

  init(path: String, limit: Int) throws(CalibrationError) {
    var bytes = try ByteStream(path: path, limit: limit)
    let (start, markLength) = try Self.start(of: &bytes)
    self.bytes = bytes
    self.start = start.count > markLength ? Array(start[markLength...]) : nil
    self.markLength = markLength
  }

  private static func start(of bytes: inout ByteStream) throws(CalibrationError) -> ([UInt8], markLength: Int) {
    var start: [UInt8] = []
    while start.count < enough, let more = try bytes.next() { start += more }
    return (start, try markLength(start[...], of: bytes.path))
  }

  /// Bytes behind the last gzip member that were passed over.
  var ignoredBytes: Int { bytes.ignoredBytes }

  /// The next bytes, never none; nil at the end.
  mutating func next() throws(CalibrationError) -> [UInt8]? {
    // Not by Optional.take(): optimised, Swift 6.3 frees these bytes while they are in use.
    guard let first = start else { return try bytes.next() }
    start = nil
    return first
  }

  /// Bytes of the byte-order mark that a text begins with, 0 without one.
  ///
  /// - Throws: ``CalibrationError`` for a text in UTF-16 or UTF-32, or a file of another format.
  static func markLength(_ start: ArraySlice<UInt8>, of path: String) throws(CalibrationError) -> Int {
    if start.starts(with: [0xEF, 0xBB, 0xBF]) { return 3 }
    if let encoding = wideEncoding(start.prefix(enough)) {
      throw CalibrationError(
        .invalidUTF8,
        "\(path): the text is \(encoding), not UTF-8; convert it: `iconv -f \(encoding) -t UTF-8 FILE > NEW-FILE`")
    }
    if let advice = ForeignFormat.advice(beginning: start, path: path) {
      throw CalibrationError(.unreadableFile, advice)
    }
    return 0
  }

  /// The name of an encoding in two or four bytes a character, by its mark, or by zeros in every second place.
  private static func wideEncoding(_ start: ArraySlice<UInt8>) -> String? {
    if start.starts(with: [0xFF, 0xFE, 0, 0]) || start.starts(with: [0, 0, 0xFE, 0xFF]) { return "UTF-32" }
    if start.starts(with: [0xFF, 0xFE]) || start.starts(with: [0xFE, 0xFF]) { return "UTF-16" }
    let pairs = start.count / 2
    guard pairs >= 8 else { return nil }
    let odd = start.indices.count { ($0 - start.startIndex) % 2 == 1 && start[$0] == 0 }
    let even = start.indices.count { ($0 - start.startIndex) % 2 == 0 && start[$0] == 0 }
    if odd * 4 >= pairs * 3, even == 0 { return "UTF-16LE" }
    if even * 4 >= pairs * 3, odd == 0 { return "UTF-16BE" }
    return nil
  }
}
