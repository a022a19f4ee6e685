import CPCRE2

/// A compiled regular expression over UTF-8, by PCRE2; immutable, and shared between threads.
///
/// Compiled with UTF and UCP, so `\p{…}` and `(?i:…)` follow Unicode. Just-in-time compilation is used where PCRE2 has it
/// and the interpreter otherwise; both find the same matches.
@safe
final class Pattern: Sendable {
  /// Bytes of a pattern, at most.
  static let maximumLength = 1 << 16

  fileprivate nonisolated(unsafe) let code: OpaquePointer
  fileprivate let source: String
  fileprivate let file: TokenizerFile

  /// Compiles `pattern`, in Oniguruma's syntax; `key` is its place in the file.
  init(_ pattern: String, key: String, file: TokenizerFile) throws(TokenizerError) {
    guard pattern.utf8.count <= Self.maximumLength else {
      throw file.invalid(key, "a pattern of more than \(Self.maximumLength) bytes")
    }
    let translated: String
    do {
      translated = try PatternTranslation.pcre2(pattern)
    } catch {
      throw file.unsupported(key, "\(quoted(error.construct.utf8)) in a pattern")
    }
    let units = Array(translated.utf8)
    var status: CInt = 0
    var offset = 0
    let context = unsafe pcre2_compile_context_create_8(nil)
    defer { unsafe pcre2_compile_context_free_8(context) }
    unsafe pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
    // In Ruby's syntax ^ and $ match at every line.
    let options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C
    let compiled = unsafe units.withUnsafeBufferPointer { units in
      unsafe pcre2_compile_8(units.baseAddress, units.count, UInt32(options), &status, &offset, context)
    }
    guard let compiled = unsafe compiled else {
      throw file.invalid(key, "the pattern \(quoted(pattern.utf8)) does not compile: \(Self.message(status))")
    }
    // A failure leaves the interpreter, which needs nothing else.
    _ = unsafe pcre2_jit_compile_8(compiled, UInt32(PCRE2_JIT_COMPLETE))
    unsafe code = compiled
    source = pattern
    self.file = file
  }

  deinit { unsafe pcre2_code_free_8(code) }

  fileprivate static func message(_ status: CInt) -> String {
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
      unsafe pcre2_get_error_message_8(status, buffer.baseAddress, buffer.count)
    }
    return count > 0 ? String(decoding: buffer[..<Int(count)], as: UTF8.self) : "error \(status)"
  }
}

/// Finds a ``Pattern``'s matches; holds PCRE2's working memory, so each thread has its own.
@safe
final class PatternMatcher {
  /// How much work a single match may be, so that a hostile pattern ends in an error: a constant and, since an honest
  /// pattern may walk back through all of a piece, some steps for each of its bytes.
  private static let matchLimit = (steps: 10_000_000, stepsPerByte: 4)
  /// KiB of memory for the interpreter's backtracking.
  private static let heapLimit: UInt32 = 1 << 20
  /// Bytes of stack for compiled code: at first, and at most.
  private static let stackSizes = (1 << 15, 1 << 23)

  private let pattern: Pattern
  private let data: OpaquePointer?
  private let context: OpaquePointer?
  private let stack: OpaquePointer?

  init(_ pattern: Pattern) {
    self.pattern = pattern
    unsafe data = pcre2_match_data_create_8(1, nil)
    unsafe context = pcre2_match_context_create_8(nil)
    unsafe stack = pcre2_jit_stack_create_8(Self.stackSizes.0, Self.stackSizes.1, nil)
    unsafe pcre2_set_heap_limit_8(context, Self.heapLimit)
    unsafe pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack))
  }

  deinit {
    unsafe pcre2_match_data_free_8(data)
    unsafe pcre2_match_context_free_8(context)
    unsafe pcre2_jit_stack_free_8(stack)
  }

  /// Cuts `text[range]` into matches and what lies between them, in order, as Oniguruma's `find_iter` does: an empty match
  /// right behind another match is passed over. The piece is a subject of its own: nothing looks beyond its ends.
  ///
  /// - Throws: ``TokenizerError/Code/patternFailed`` where PCRE2 exceeds its limits.
  func split(
    _ text: [UInt8], _ range: Range<Int>, _ visit: (Range<Int>, _ isMatch: Bool) throws(TokenizerError) -> Void
  ) throws(TokenizerError) {
    let limit = UInt32(clamping: Self.matchLimit.steps + Self.matchLimit.stepsPerByte * range.count)
    unsafe pcre2_set_match_limit_8(context, limit)
    var start = 0
    var previousEnd: Int?
    while start <= range.count, let match = try firstMatch(in: text, range, from: start) {
      if match.isEmpty, match.upperBound == previousEnd {
        // On to the next scalar: past this one's continuation bytes.
        start += 1
        while start < range.count, text[range.lowerBound + start] & 0xC0 == 0x80 { start += 1 }
        continue
      }
      let gap = (previousEnd ?? 0)..<match.lowerBound
      if !gap.isEmpty { try visit(gap.offset(by: range.lowerBound), false) }
      try visit(match.offset(by: range.lowerBound), true)
      previousEnd = match.upperBound
      start = match.upperBound
    }
    let rest = (previousEnd ?? 0)..<range.count
    if !rest.isEmpty { try visit(rest.offset(by: range.lowerBound), false) }
  }

  private func firstMatch(
    in text: [UInt8], _ range: Range<Int>, from start: Int
  ) throws(TokenizerError) -> Range<Int>? {
    let status = unsafe text.withUnsafeBufferPointer { text in
      let subject = unsafe text.baseAddress.map { unsafe $0 + range.lowerBound }
      // The text comes from a Swift String, so it is valid UTF-8.
      let options = UInt32(PCRE2_NO_UTF_CHECK)
      let status = unsafe pcre2_match_8(pattern.code, subject, range.count, start, options, data, context)
      guard status == PCRE2_ERROR_JIT_STACKLIMIT else { return status }
      // The interpreter keeps its backtracking on the heap.
      return unsafe pcre2_match_8(
        pattern.code, subject, range.count, start, options | UInt32(PCRE2_NO_JIT), data, context)
    }
    if status == PCRE2_ERROR_NOMATCH { return nil }
    guard status >= 0, let offsets = unsafe pcre2_get_ovector_pointer_8(data), unsafe offsets[0] <= offsets[1] else {
      throw TokenizerError(
        .patternFailed,
        "\(pattern.file.path): the pattern \(quoted(pattern.source.utf8)) failed on a text of \(range.count) bytes: "
          + "\(Pattern.message(status)); split the text into shorter documents")
    }
    return unsafe Int(offsets[0])..<Int(offsets[1])
  }
}

extension Range<Int> {
  fileprivate func offset(by distance: Int) -> Range<Int> { (lowerBound + distance)..<(upperBound + distance) }
}
