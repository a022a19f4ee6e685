import CUtf8proc
import Glibc

/// What is done to text before it is cut: nothing, or Unicode's canonical composition (NFC).
enum Normalizer: Sendable {
  case identity
  case nfc

  /// The normalizer that `normalizer` describes; a sequence of NFC is NFC.
  init(_ node: JSONNode?, file: TokenizerFile) throws(TokenizerError) {
    self = .identity
    guard let node else { return }
    let type = try node.required("type").bytes()
    switch String(decoding: type, as: UTF8.self) {
    case "NFC": self = .nfc
    case "Sequence":
      for element in try node.required("normalizers").elements() {
        if case .nfc = try Normalizer(element, file: file) { self = .nfc }
      }
    default: throw file.unsupported(node.key, "the normalizer \(quoted(type))")
    }
  }

  /// Bytes composed at a time, at least where a cut changes nothing.
  private static let blockLength = 1 << 12
  /// Marks behind one another, at most: putting them in canonical order takes quadratic time. Languages need about five.
  private static let maximumMarks = 1 << 10

  /// `text[range]`, normalized, as UTF-8.
  ///
  /// Scalars younger than Unicode 9 stay as they are, and nothing is composed or reordered across them: Hugging Face's
  /// `tokenizers` does not know them, and its models were trained so.
  ///
  /// - Throws: ``TokenizerError/Code/textTooLong`` for a text of marks without end.
  func callAsFunction(_ text: [UInt8], _ range: Range<Int>, file: TokenizerFile) throws(TokenizerError) -> [UInt8] {
    if case .identity = self { return Array(text[range]) }
    var result: [UInt8] = []
    result.reserveCapacity(range.count)
    var start = range.lowerBound
    var position = start
    var marks = 0
    while position < range.upperBound {
      let (scalar, length) = text.scalar(at: position)
      marks = scalar.isMark ? marks + 1 : 0
      guard marks <= Self.maximumMarks else {
        throw TokenizerError(
          .textTooLong, "\(file.path): more than \(Self.maximumMarks) combining marks in a row cannot be normalized")
      }
      if scalar.isUnknownToTokenizers {
        try Self.compose(text[start..<position], into: &result)
        result.append(contentsOf: text[position..<(position + length)])
        start = position + length
      } else if position - start >= Self.blockLength, scalar.startsComposition {
        try Self.compose(text[start..<position], into: &result)
        start = position
      }
      position += length
    }
    try Self.compose(text[start..<position], into: &result)
    return result
  }

  private static func compose(_ text: ArraySlice<UInt8>, into result: inout [UInt8]) throws(TokenizerError) {
    guard !text.allSatisfy({ $0 < 0x80 }) else { return result.append(contentsOf: text) }
    var composed: UnsafeMutablePointer<UInt8>?
    let options = utf8proc_option_t(UTF8PROC_STABLE.rawValue | UTF8PROC_COMPOSE.rawValue)
    let count = unsafe text.withUnsafeBufferPointer { text in
      unsafe utf8proc_map(text.baseAddress, text.count, &composed, options)
    }
    defer { unsafe free(composed) }
    guard count >= 0, let composed = unsafe composed else {
      throw TokenizerError(.textTooLong, "no memory to normalize \(text.count) bytes of text; split it into documents")
    }
    unsafe result.append(contentsOf: UnsafeBufferPointer(start: composed, count: count))
  }
}

extension Unicode.Scalar {
  fileprivate var isMark: Bool {
    if value < 0x300 { return false }
    return switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: true
    default: false
    }
  }

  /// Whether this scalar is assigned, but was not in Unicode 9.
  fileprivate var isUnknownToTokenizers: Bool {
    if value < 0x300 { return false }
    return properties.age.map { $0.major > 9 } ?? false
  }

  /// Whether this scalar surely begins a new composed character. In the Basic Multilingual Plane, the scalars that join
  /// or reorder with what precedes them are marks and Hangul's vowels and finals; beyond it, nothing is promised.
  fileprivate var startsComposition: Bool {
    value <= 0xFFFF && !(0x1100...0x11FF).contains(value) && !isMark && properties.generalCategory != .unassigned
  }
}
