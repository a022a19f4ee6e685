/// A file of documents: text, JSON lines or a JSON array, plain or compressed by gzip or Zstandard.
///
/// The name tells the format (`.txt`, `.jsonl`, `.json`, each with or without `.gz` or `.zst`), the first bytes tell the
/// compression. A `.txt` file is one document, whose lines end with `\n` however the file ends them: that is how Python
/// reads a text, so perplexities agree with those of its users. A JSON document is an object with the field `text`, or with `instruction`,
/// `output` and perhaps `input`, put into words as Stanford Alpaca does.
public struct TextSource: Sendable, Equatable {
  /// Bytes of a file's text, decompressed, at most: 16 GiB, so that a compressed file of a few megabytes cannot keep
  /// every rank busy for days.
  public static let maximumSize = 1 << 34
  /// Bytes of a document, or of a whole `.json` file, at most: 1 GiB, since each is held in memory.
  public static let maximumDocumentSize = 1 << 30

  enum Format: String { case txt, jsonl, json }

  public let path: String
  let format: Format

  /// - Throws: ``CalibrationError`` if the name has none of the known endings; the file is not opened yet.
  public init(path: String) throws(CalibrationError) {
    var name = path.split(separator: "/").last.map { $0.lowercased() } ?? ""
    for suffix in [".gz", ".zst"] where name.hasSuffix(suffix) {
      name.removeLast(suffix.count)
      break
    }
    let ending = name.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last ?? ""
    guard let format = Format(rawValue: String(ending)) else {
      throw CalibrationError(
        .unreadableFile,
        "\(path): the name ends in none of .txt, .jsonl and .json (with or without .gz or .zst); rename it or give another file"
      )
    }
    self.path = path
    self.format = format
  }

  /// Calls `visit` with each document, in the file's order, until it returns false.
  ///
  /// - Parameter prefix: how many bytes of a `.txt` file are enough; nil for all of them. Other formats ignore it.
  /// - Throws: ``CalibrationError`` for a file that cannot be read or decompressed, is not UTF-8 or JSON, has nothing in
  ///   it, or is too large; and what `visit` throws.
  public func forEachDocument(
    prefix: Int? = nil, _ visit: (String) throws(CalibrationError) -> Bool
  ) throws(CalibrationError) {
    try forEach(prefix: prefix) { (document) throws(CalibrationError) in try visit(document.whole) }
  }

  /// ``forEachDocument(prefix:_:)`` with what kind of document each is.
  func forEach(
    prefix: Int? = nil, _ visit: (TextDocument) throws(CalibrationError) -> Bool
  ) throws(CalibrationError) {
    var stream = try ByteStream(path: path, limit: Self.maximumSize)
    switch format {
    case .txt: try textDocument(&stream, prefix: prefix, visit)
    case .json: try jsonArray(&stream, visit)
    case .jsonl: try jsonLines(&stream, visit)
    }
  }

  private func textDocument(
    _ stream: inout ByteStream, prefix: Int?, _ visit: (TextDocument) throws(CalibrationError) -> Bool
  ) throws(CalibrationError) {
    var bytes: [UInt8] = []
    let enough = prefix.map { max($0, 1) }
    while bytes.count <= enough ?? Int.max, let more = try stream.next() { try append(more, to: &bytes) }
    guard !bytes.isEmpty else { throw CalibrationError(.empty, "\(path): the file is empty; give a file with text") }
    var end = min(bytes.count, enough ?? Int.max)
    // A cut never goes through a character.
    while end < bytes.count, end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
    _ = try visit(.text(Self.unifyingNewlines(try decoded(bytes[..<end], offset: 0))))
  }

  /// The text with `\r\n` and lone `\r` as `\n` (Python's universal newlines).
  private static func unifyingNewlines(_ text: String) -> String {
    let (lineFeed, carriageReturn) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))
    guard text.utf8.contains(carriageReturn) else { return text }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    var previous: UInt8 = 0
    for byte in text.utf8 {
      if byte == carriageReturn {
        bytes.append(lineFeed)
      } else if byte != lineFeed || previous != carriageReturn {
        bytes.append(byte)
      }
      previous = byte
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends to the bytes of a document, within its limit.
  func append(_ more: some Collection<UInt8>, to bytes: inout [UInt8]) throws(CalibrationError) {
    guard bytes.count + more.count <= Self.maximumDocumentSize else {
      throw CalibrationError(
        .tooLarge, "\(path): a document of more than \(Self.maximumDocumentSize) bytes; split it, or use .jsonl")
    }
    bytes.append(contentsOf: more)
  }

  /// `bytes` as text; `offset` is their place in the file's.
  func decoded(_ bytes: ArraySlice<UInt8>, offset: Int) throws(CalibrationError) -> String {
    do {
      return String(copying: try UTF8Span(validating: bytes.span))
    } catch {
      let place = offset + error.byteOffsets.lowerBound
      throw CalibrationError(.invalidUTF8, "\(path): invalid UTF-8 at byte \(place) of the text; convert it to UTF-8")
    }
  }
}
