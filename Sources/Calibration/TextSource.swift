/// A file of documents: text or JSON, plain or compressed by gzip or Zstandard.
///
/// The name tells text from JSON (`.txt`; `.jsonl` or `.json`, each with or without `.gz` or `.zst`); the first bytes tell
/// the compression, and what is there tells JSON lines from a list. A `.txt` file is one document, whose lines end with
/// `\n` however the file ends them: that is how Python reads a text, so perplexities agree with those of its users. What
/// makes a JSON value a document is ``JSONDocument``'s to say. A byte-order mark in front is no part of the text.
public struct TextSource: Sendable, Equatable {
  /// Bytes of a file's text, decompressed, at most: 16 GiB, so that a compressed file of a few megabytes cannot keep
  /// every rank busy for days.
  public static let maximumSize = 1 << 34
  /// Bytes of a document, at most: 1 GiB, since each is held in memory.
  public static let maximumDocumentSize = 1 << 30

  enum Format: String { case txt, jsonl, json }

  public let path: String
  let format: Format

  /// - Throws: ``CalibrationError`` if the name has none of the known endings, saying what to do about one that is known
  ///   elsewhere; the file is not opened yet.
  public init(path: String) throws(CalibrationError) {
    var name = path.split(separator: "/").last.map { $0.lowercased() } ?? ""
    for suffix in [".gz", ".zst"] where name.hasSuffix(suffix) {
      name.removeLast(suffix.count)
      break
    }
    let ending = String(name.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last ?? "")
    guard let format = Format(rawValue: ending) else {
      throw CalibrationError(
        .unreadableFile,
        ForeignFormat.advice(ending: ending, path: path)
          ?? "\(path): the name ends in none of .txt, .jsonl and .json (with or without .gz or .zst); rename it or give another file"
      )
    }
    self.path = path
    self.format = format
  }

  /// Calls `visit` with each document, in the file's order, until it returns false.
  ///
  /// - Parameters:
  ///   - prefix: how many bytes of a `.txt` file are enough; nil for all of them. Other formats ignore it.
  ///   - note: takes a line on what was read otherwise than it stands there, or not read.
  /// - Throws: ``CalibrationError`` for a file that cannot be read or decompressed, is not UTF-8 or JSON, has nothing in
  ///   it, or is too large; and what `visit` throws.
  public func forEachDocument(
    prefix: Int? = nil, note: (String) -> Void = { _ in }, _ visit: (String) throws(CalibrationError) -> Bool
  ) throws(CalibrationError) {
    try forEach(prefix: prefix, note: note) { (document) throws(CalibrationError) in try visit(document.whole) }
  }

  /// ``forEachDocument(prefix:note:_:)`` with what kind of document each is.
  func forEach(
    prefix: Int? = nil, note: (String) -> Void, _ visit: (TextDocument) throws(CalibrationError) -> Bool
  ) throws(CalibrationError) {
    var stream = try TextStream(path: path, limit: Self.maximumSize)
    switch format {
    case .txt: try textDocument(&stream, prefix: prefix, visit)
    case .json, .jsonl: try jsonDocuments(&stream, note: note, visit)
    }
    noteIgnored(stream.ignoredBytes, note)
  }

  /// Calls `visit` with what one line of token ids is for, until it returns false: each line of a `.txt` file as it is,
  /// without the `\n` that ends it, and each document of other formats.
  public func forEachLine(
    note: (String) -> Void = { _ in }, _ visit: (String) throws(CalibrationError) -> Bool
  ) throws(CalibrationError) {
    guard format == .txt else { return try forEachDocument(note: note, visit) }
    var stream = try TextStream(path: path, limit: Self.maximumSize)
    var lines = TextLines(of: path, offset: stream.markLength)
    var isWanted = true
    var isEmpty = true
    while isWanted, let chunk = try stream.next() {
      isEmpty = false
      isWanted = try lines.take(chunk, visit)
    }
    guard !isEmpty else { throw nothing }
    if isWanted { try lines.end(visit) }
    noteIgnored(stream.ignoredBytes, note)
  }

  private func noteIgnored(_ bytes: Int, _ note: (String) -> Void) {
    guard bytes > 0 else { return }
    note("\(path): \(bytes) bytes behind the gzip data are none and were not read; is the file complete?")
  }

  var nothing: CalibrationError {
    CalibrationError(.empty, "\(path): the file is empty; give a file with text")
  }

  private func textDocument(
    _ stream: inout TextStream, prefix: Int?, _ visit: (TextDocument) throws(CalibrationError) -> Bool
  ) throws(CalibrationError) {
    var bytes: [UInt8] = []
    let enough = prefix.map { max($0, 1) }
    while bytes.count <= enough ?? Int.max, let more = try stream.next() { try append(more, to: &bytes) }
    guard !bytes.isEmpty else { throw nothing }
    var end = min(bytes.count, enough ?? Int.max)
    // A cut never goes through a character.
    while end < bytes.count, end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
    _ = try visit(.text(Self.unifyingNewlines(try decoded(bytes[..<end], offset: stream.markLength))))
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

  private func append(_ more: [UInt8], to bytes: inout [UInt8]) throws(CalibrationError) {
    guard bytes.count + more.count <= Self.maximumDocumentSize else {
      throw CalibrationError(
        .tooLarge, "\(path): a document of more than \(Self.maximumDocumentSize) bytes; split it, or use .jsonl")
    }
    bytes.append(contentsOf: more)
  }

  /// `bytes` as text; `offset` is their place in the file's, and `place` says it in words.
  func decoded(
    _ bytes: ArraySlice<UInt8>, offset: Int, place: String? = nil
  ) throws(CalibrationError) -> String {
    try Self.decoded(bytes, offset: offset, of: place.map { "\(path): \($0)" } ?? path)
  }

  static func decoded(_ bytes: ArraySlice<UInt8>, offset: Int, of place: String) throws(CalibrationError) -> String {
    do {
      return String(copying: try UTF8Span(validating: bytes.span))
    } catch {
      let byte = offset + error.byteOffsets.lowerBound
      throw CalibrationError(.invalidUTF8, "\(place): invalid UTF-8 at byte \(byte) of the text; convert it to UTF-8")
    }
  }
}
