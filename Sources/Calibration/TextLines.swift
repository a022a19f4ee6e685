/// Lines of a text as its bytes come. A line ends with `\n` alone: a `\r` in front of it belongs to the line.
public struct TextLines {
  private let name: String
  private var pending: [UInt8] = []
  /// The place of the line's first byte in the text.
  private var offset: Int
  private var number = 1
  private var isAtStart: Bool

  /// - Parameter name: of the file, or what else messages call the text. A byte-order mark in front is left out.
  public init(of name: String) {
    self.name = name
    offset = 0
    isAtStart = true
  }

  /// Lines of a text whose start was seen to already.
  init(of name: String, offset: Int) {
    self.name = name
    self.offset = offset
    isAtStart = false
  }

  /// Takes the next bytes, and calls `visit` with every line that they end; false when it wants no more.
  ///
  /// - Throws: ``CalibrationError`` for what is no UTF-8, and a line of more than ``TextSource/maximumDocumentSize``.
  public mutating func take(
    _ chunk: [UInt8], _ visit: (String) throws(CalibrationError) -> Bool
  ) throws(CalibrationError) -> Bool {
    var rest = chunk[...]
    if isAtStart {
      pending += rest
      // A byte-order mark may come in pieces.
      if pending.count < 4, let first = pending.first, [0, 0xEF, 0xFE, 0xFF].contains(first) { return true }
      return try begin(visit)
    }
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      try append(rest[..<end])
      rest = rest[(end + 1)...]
      guard try finish(visit) else { return false }
    }
    try append(rest)
    return true
  }

  /// Tells that the text has ended, with or without a line's end.
  public mutating func end(_ visit: (String) throws(CalibrationError) -> Bool) throws(CalibrationError) {
    if isAtStart, !(try begin(visit)) { return }
    if !pending.isEmpty { _ = try finish(visit) }
  }

  private mutating func begin(_ visit: (String) throws(CalibrationError) -> Bool) throws(CalibrationError) -> Bool {
    isAtStart = false
    offset = try TextStream.markLength(pending[...], of: name)
    let start = Array(pending.dropFirst(offset))
    pending = []
    return try take(start, visit)
  }

  private mutating func append(_ bytes: ArraySlice<UInt8>) throws(CalibrationError) {
    guard pending.count + bytes.count <= TextSource.maximumDocumentSize else {
      throw CalibrationError(
        .tooLarge, "\(name): line \(number): more than \(TextSource.maximumDocumentSize) bytes; split it")
    }
    pending += bytes
  }

  private mutating func finish(_ visit: (String) throws(CalibrationError) -> Bool) throws(CalibrationError) -> Bool {
    let line = try TextSource.decoded(pending[...], offset: offset, of: "\(name): line \(number)")
    offset += pending.count + 1
    number += 1
    pending.removeAll(keepingCapacity: pending.count < 1 << 20)
    return try visit(line)
  }
}
