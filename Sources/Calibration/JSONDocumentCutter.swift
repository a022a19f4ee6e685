import Safetensors

/// Cuts JSON text into the values that are documents, as it comes: JSON lines, objects that follow one another, one object
/// over many lines, or the elements of lists. Only one value is held at a time.
///
/// Cutting looks at brackets and strings alone; whether a value is JSON is for its reader to find. Where a value cannot go
/// on (an object that does not end on its line), it is cut there, so that the reader finds the fault in that line.
struct JSONDocumentCutter {
  /// One value's bytes, and where it begins.
  struct Value {
    fileprivate(set) var bytes: [UInt8] = []
    /// Counted from 1.
    let line: Int
    /// The byte in the line, counted from 1.
    let column: Int
    /// The byte in the text, counted from 0.
    let offset: Int
    /// Its place in a list, counted from 0; nil outside lists.
    let element: Int?
  }

  /// What the next byte belongs to.
  private enum Place { case between, nested, string, word }

  /// A word (a number, or what is no JSON) is held no further than this: enough to tell what is wrong.
  private static let longestWord = 1 << 12

  let path: String
  private var place = Place.between
  private var value = Value(line: 1, column: 1, offset: 0, element: nil)
  private var line = 1
  /// Where the line begins, and the next byte, in the text.
  private var lineStart: Int
  private var offset: Int

  /// The next element of the list that is open; nil outside lists.
  private var element: Int?
  /// Whether a comma or the list's end has to come.
  private var expectsSeparator = false
  /// Lists and values met.
  private var lists = 0
  private var values = 0

  /// Brackets that are open in a nested value.
  private var open: [UInt8] = []
  private var isInString = false
  private var isEscaped = false
  /// The last byte that is no white space, outside strings, and whether a line ended behind it.
  private var last: UInt8 = 0
  private var hasLineEnded = false

  /// - Parameter offset: of the first byte in the text.
  init(path: String, offset: Int) {
    self.path = path
    self.offset = offset
    lineStart = offset
  }

  /// Cuts the next bytes; false when `visit` wants no more.
  mutating func take(
    _ chunk: [UInt8], _ visit: (Value) throws(CalibrationError) -> Bool
  ) throws(CalibrationError) -> Bool {
    // What of the chunk belongs to the value and is not in it yet.
    var start = 0
    var index = 0
    while index < chunk.count {
      let byte = chunk[index]
      var isWhole = false
      // A byte that belongs to the value is its last one; one that does not is looked at again.
      var isTaken = true
      switch place {
      case .between:
        if try isBetween(byte) {
          start = index
          continue
        }
      case .nested: (isWhole, isTaken) = try nested(byte)
      case .string: (isWhole, isTaken) = string(byte)
      case .word:
        let length = value.bytes.count + index - start
        isTaken = length == 0 || (!isWordEnd(byte) && length < Self.longestWord)
        isWhole = !isTaken
      }
      if isTaken {
        if byte == UInt8(ascii: "\n") {
          line += 1
          lineStart = offset + 1
        }
        offset += 1
        index += 1
      }
      if isWhole {
        try append(chunk[start..<index])
        guard try finish(visit) else { return false }
      }
    }
    if place != .between { try append(chunk[start...]) }
    return true
  }

  /// Tells that the text has ended.
  mutating func end(_ visit: (Value) throws(CalibrationError) -> Bool) throws(CalibrationError) {
    if place != .between {
      guard try finish(visit) else { return }
    }
    if element != nil {
      throw failure("the text ends where \(expectsSeparator ? "\",\" or \"]\"" : "a value") should be", isCut: true)
    }
    guard values == 0 else { return }
    throw CalibrationError(
      .empty, "\(path): \(lists == 0 ? "no document in the file" : "the array is empty"); give a file with text")
  }

  /// A byte between values; whether it is the first of one, and then it is looked at again as such.
  private mutating func isBetween(_ byte: UInt8) throws(CalibrationError) -> Bool {
    switch byte {
    case 0x20, 0x09, 0x0A, 0x0D: return false
    case UInt8(ascii: "[") where element == nil:
      element = 0
      lists += 1
      return false
    case UInt8(ascii: ",") where expectsSeparator:
      expectsSeparator = false
      return false
    // A list may be empty, but not end in a comma.
    case UInt8(ascii: "]") where expectsSeparator || element == 0:
      element = nil
      expectsSeparator = false
      return false
    default: break
    }
    guard !expectsSeparator else { throw failure("found \(Self.shown(byte)) where \",\" or \"]\" should be") }
    value = Value(line: line, column: offset - lineStart + 1, offset: offset, element: element)
    open = []
    (isInString, isEscaped, hasLineEnded, last) = (false, false, false, 0)
    place =
      switch byte {
      case UInt8(ascii: "{"), UInt8(ascii: "["): .nested
      case UInt8(ascii: "\""): .string
      default: .word
      }
    return true
  }

  /// A byte of an object or a list.
  private mutating func nested(_ byte: UInt8) throws(CalibrationError) -> (isWhole: Bool, isTaken: Bool) {
    if isInString {
      let (isWhole, isTaken) = string(byte)
      // A string that ends is not yet the value's end; one that does not is.
      guard isWhole, isTaken else { return (isWhole, isTaken) }
      isInString = false
      last = byte
      return (false, true)
    }
    switch byte {
    case 0x20, 0x09, 0x0D: return (false, true)
    case 0x0A:
      hasLineEnded = true
      return (false, true)
    case UInt8(ascii: "\""):
      isInString = true
      isEscaped = false
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      let mayBegin = open.isEmpty || [UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "[")].contains(last)
      if !mayBegin { return (true, !hasLineEnded) }
      guard open.count < JSONScanner.maximumDepth else {
        throw failure("more than \(JSONScanner.maximumDepth) objects or lists in each other")
      }
      open.append(byte)
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      // '{' and '}', '[' and ']' lie two apart.
      guard open.popLast() == byte - 2 else { return (true, true) }
      if open.isEmpty { return (true, true) }
    default: break
    }
    last = byte
    hasLineEnded = false
    return (false, true)
  }

  /// A byte of a string, whose first one is its quotation mark. A string never holds a line's end.
  private mutating func string(_ byte: UInt8) -> (isWhole: Bool, isTaken: Bool) {
    if place == .string, last == 0 {
      last = byte
      return (false, true)
    }
    if byte == 0x0A { return (true, false) }
    if isEscaped {
      isEscaped = false
    } else if byte == UInt8(ascii: "\\") {
      isEscaped = true
    } else if byte == UInt8(ascii: "\"") {
      return (true, true)
    }
    return (false, true)
  }

  private func isWordEnd(_ byte: UInt8) -> Bool {
    if byte == 0x0A { return true }
    return element != nil && [0x20, 0x09, 0x0D, UInt8(ascii: ","), UInt8(ascii: "]")].contains(byte)
  }

  private mutating func append(_ bytes: ArraySlice<UInt8>) throws(CalibrationError) {
    guard value.bytes.count + bytes.count <= TextSource.maximumDocumentSize else {
      throw CalibrationError(
        .tooLarge,
        "\(path): line \(value.line): a document of more than \(TextSource.maximumDocumentSize) bytes; split it")
    }
    value.bytes += bytes
  }

  private mutating func finish(
    _ visit: (Value) throws(CalibrationError) -> Bool
  ) throws(CalibrationError) -> Bool {
    place = .between
    values += 1
    if let number = element {
      element = number + 1
      expectsSeparator = true
    }
    while let byte = value.bytes.last, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { value.bytes.removeLast() }
    var whole = Value(line: 0, column: 0, offset: 0, element: nil)
    swap(&whole, &value)
    return try visit(whole)
  }

  /// Something between values, or too deep in one, here.
  private func failure(_ problem: String, isCut: Bool = false) -> CalibrationError {
    CalibrationError(
      .malformedDocument,
      "\(path): line \(line): not JSON: \(problem), at column \(offset - lineStart + 1)"
        + (isCut ? "; is the file complete?" : ""))
  }

  private static func shown(_ byte: UInt8) -> String {
    (0x21..<0x7F).contains(byte) ? "\"\(Character(Unicode.Scalar(byte)))\"" : "byte \(byte)"
  }
}
