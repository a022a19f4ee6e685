import Tokenizers

/// The bytes of a file in order, decompressed on the way, in memory that does not grow with the file.
///
/// The compression is known by the file's first bytes, whatever its name: gzip (1f 8b) and Zstandard (28 b5 2f fd, or a
/// skippable frame); a name in .gz or .zst without them is an error. Members and frames that follow one another are one text.
struct ByteStream: ~Copyable {
  private static let chunkSize = 1 << 18

  let path: String
  /// Decompressed bytes, at most.
  let limit: Int
  private var file: RegularFile
  private var input = [UInt8](repeating: 0, count: chunkSize)
  /// What of `input` has been read from the file and not decompressed yet.
  private var pending = 0..<0
  private var decoder: any Decompression = Identity()
  /// Whether the decoder may hold output for which the last buffer had no room.
  private var mayHoldOutput = false
  private var total = 0
  private var isStarted = false
  private var isAtEnd = false

  init(path: String, limit: Int) throws(CalibrationError) {
    let file = try Self.open(path)
    self.path = path
    self.limit = limit
    self.file = file
  }

  private static func open(_ path: String) throws(CalibrationError) -> RegularFile {
    do {
      return try RegularFile(path: path)
    } catch {
      throw CalibrationError(.unreadableFile, "\(path): \(error.message); check the path")
    }
  }

  /// Reads the first bytes and chooses the decoder.
  private mutating func start() throws(CalibrationError) {
    isStarted = true
    try fill()
    let first = Array(input[pending].prefix(4))
    if first.starts(with: [0x1F, 0x8B]) {
      decoder = try GzipDecoder(path: path)
    } else if first == [0x28, 0xB5, 0x2F, 0xFD]
      || (first.count == 4 && first[0] & 0xF0 == 0x50 && first[1...] == [0x2A, 0x4D, 0x18])
    {
      decoder = try ZstdDecoder(path: path)
    } else if path.lowercased().hasSuffix(".gz") || path.lowercased().hasSuffix(".zst") {
      let kind = path.lowercased().hasSuffix(".gz") ? "gzip" : "Zstandard"
      let problem = first.isEmpty ? "the file is empty" : "is not \(kind) data, though its name says so"
      throw CalibrationError(first.isEmpty ? .empty : .damagedCompression, "\(path): \(problem)")
    }
  }

  /// Bytes behind the last gzip member that belong to none and were passed over.
  var ignoredBytes: Int { decoder.ignoredBytes }

  /// The next bytes, never none; nil at the end.
  mutating func next() throws(CalibrationError) -> [UInt8]? {
    if !isStarted { try start() }
    while !isAtEnd {
      if pending.isEmpty && !mayHoldOutput { try fill() }
      if pending.isEmpty && !mayHoldOutput {
        isAtEnd = true
        guard decoder.isBetweenMembers else {
          throw CalibrationError(
            .damagedCompression, "\(path): the compressed data end too early; is the file complete?")
        }
        return nil
      }
      var output = [UInt8](repeating: 0, count: Self.chunkSize)
      let (consumed, produced) = try decoder.decode(input, pending, into: &output)
      guard consumed > 0 || produced > 0 || mayHoldOutput else {
        throw CalibrationError(.damagedCompression, "\(path): the compressed data are damaged")
      }
      pending = (pending.lowerBound + consumed)..<pending.upperBound
      mayHoldOutput = produced == output.count
      if produced == 0 { continue }
      total += produced
      guard total <= limit else {
        throw CalibrationError(.tooLarge, "\(path): more than \(limit) bytes of text; split the file")
      }
      output.removeLast(output.count - produced)
      return output
    }
    return nil
  }

  private mutating func fill() throws(CalibrationError) {
    do {
      pending = 0..<(try file.read(into: &input))
    } catch {
      throw CalibrationError(.unreadableFile, "\(path): \(error.message)")
    }
  }
}
