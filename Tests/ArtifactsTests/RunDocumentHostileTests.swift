import Artifacts
import Testing

/// Text that is meant to crash, hang or fill the memory. Each ends with an error of one line.
@Suite struct RunDocumentHostileTests {
  static let levels = (1...40).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]\n" }.joined()

  @Test(arguments: [
    "a0: &a0 x\n" + levels,
    "a0: &a0 x\n" + levels + "? *a40\n: 1\n",
    "a0: &a0 x\n" + levels + "{*a40 : 1}: 1\n",
    String(repeating: "[", count: 100_000),
    String(repeating: "{a: ", count: 100_000),
    String(repeating: "- ", count: 100_000),
    String(repeating: "? ", count: 900) + "[" + String(repeating: "b,", count: 100_000) + "]",
    String(repeating: "{? ", count: 900) + "a" + String(repeating: "}", count: 900),
    String(repeating: "{", count: 900) + "a" + String(repeating: ": 1}", count: 900),
    String(repeating: "[", count: 990) + String(repeating: "]", count: 990),
    (0..<900).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
    String(repeating: "a: 1\n", count: 10_000),
    "model: [" + String(repeating: "a, ", count: 10_000) + "]",
    "model: " + String(repeating: "m", count: 500_000),
    String(repeating: "key", count: 10_000) + ": 1",
    "%TAG ! x\n%TAG ! y\n",
    "model: \"\\uD800\"",
    "\0",
  ])
  func refused(yaml: String) {
    let error = #expect(throws: RunDocumentError.self) { try RunDocument(yaml: yaml, environment: testEnvironment) }
    let message = error?.description ?? ""
    #expect(message.hasPrefix("run.yaml") && message.count < 250 && isOneLine(message))
  }

  @Test func sizeAndEncodingAreChecked() {
    let large = #expect(throws: RunDocumentError.self) {
      try RunDocument(yaml: String(repeating: " ", count: RunDocument.maximumBytes + 1), environment: testEnvironment)
    }
    #expect(large?.message == "run.yaml: larger than 1 MB; a run document has a few dozen lines")
    let latin = #expect(throws: RunDocumentError.self) {
      try RunDocument(bytes: Array("model: m\noutput: ".utf8) + [0xE9, 0x0A], name: "my.yaml")
    }
    #expect(latin?.message == "my.yaml:2:1: this line is not UTF-8; save the file as UTF-8")
  }

  /// Random edits of a document with something of everything: a document or an error, never a trap.
  @Test func randomEditsNeverCrash() throws {
    var generator = SplitMix(state: 7)
    let seed = try RunDocument(yaml: "model: 'm'\ncalibration: {text: [a, \"b\\t\"]}", environment: testEnvironment)
    let original = Array(seed.resolvedYAML().utf8)
    let alphabet = Array("*&?!%@`|>'\"[]{},:#- \n\t\\~0.9eux".utf8) + [0, 0x80, 0xC3, 0xEF]
    var refused = 0
    for _ in 0..<1500 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[index] = alphabet.randomElement(using: &generator) ?? 0
        case 1: bytes.insert(alphabet.randomElement(using: &generator) ?? 0, at: index)
        default: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 1...40, using: &generator)))
        }
      }
      do {
        let document = try RunDocument(bytes: bytes, environment: testEnvironment)
        #expect(try RunDocument(yaml: document.resolvedYAML(), environment: testEnvironment) == document)
      } catch {
        refused += 1
        #expect(isOneLine(error.message))
      }
    }
    #expect(refused > 100 && refused < 1500)
  }
}

/// A small repeatable source of random numbers (Steele, Lea and Flood's SplitMix64).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
