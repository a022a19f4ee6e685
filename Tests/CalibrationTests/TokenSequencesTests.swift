import Calibration
import Foundation
import Testing
import Tokenizers

/// The choice of token sequences from a text.
@Suite struct TokenSequencesTests {
  let folder: TemporaryFolder
  let tokenizer: Tokenizer
  /// A hundred documents, no two alike.
  let source: TextSource

  init() throws {
    folder = try TemporaryFolder()
    tokenizer = try demoTokenizer()
    let lines = (0..<100).map { "{\"text\": \"Speech \($0): to be, or not to be \($0 * $0).\"}\n" }
    source = try folder.source(lines.joined().utf8, "a.jsonl")
  }

  /// Reference values of Vigna's splitmix64.c.
  @Test func splitMix64() {
    var generator = SplitMix64(seed: 1_234_567)
    let numbers = (0..<5).map { _ in generator.next() }
    #expect(
      numbers == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
        16_408_922_859_458_223_821,
      ])
  }

  @Test func permutations() {
    var generator = SplitMix64(seed: 7)
    #expect(generator.permutation(0) == [])
    #expect(generator.permutation(1) == [0])
    for count in [2, 10, 1000] {
      let places = generator.permutation(count)
      #expect(places.sorted() == Array(0..<count))
      #expect(count < 10 || places != Array(0..<count))
    }
    // Each of the six orders of three comes about as often.
    var counts: [[Int]: Int] = [:]
    for _ in 0..<6000 { counts[generator.permutation(3), default: 0] += 1 }
    #expect(counts.count == 6 && counts.values.allSatisfy { (850...1150).contains($0) })
  }

  /// What the documentation says, step by step.
  @Test func choice() throws {
    let all = try source.documents().flatMap { try tokenizer.encode($0, addSpecialTokens: false) }
    #expect(try TokenSequences.tokens(of: source, tokenizer: tokenizer) == all)
    for (length, sequences) in [(8, 4), (16, 100), (1, 3), (all.count, 1)] {
      let chosen = try TokenSequences(source, tokenizer: tokenizer, length: length, sequences: sequences, seed: 42)
      let pool = all.prefix(TokenSequences.oversampling * length * sequences)
      var generator = SplitMix64(seed: 42)
      let order = generator.permutation(pool.count / length)
      #expect(chosen.length == length)
      #expect(chosen.ids == order.prefix(sequences).map { Array(pool[($0 * length)..<($0 * length + length)]) })
      #expect(try chosen.checked(vocabularySize: tokenizer.vocabularySize) == chosen)
    }
  }

  @Test func seeds() throws {
    func choose(_ seed: UInt64) throws -> TokenSequences {
      try TokenSequences(source, tokenizer: tokenizer, length: 16, sequences: 20, seed: seed)
    }
    #expect(try choose(1) == choose(1))
    #expect(try choose(1) != choose(2))
    #expect(Set(try choose(3).ids).count == 20)
  }

  @Test func compressedTextIsTheSame() throws {
    let plain = try TextSource(path: fixtures.appending(path: "calibration/lines.jsonl").path)
    let packed = try TextSource(path: fixtures.appending(path: "calibration/lines.jsonl.zst").path)
    let expected = try TokenSequences(plain, tokenizer: tokenizer, length: 8, sequences: 4, seed: 0)
    #expect(try TokenSequences(packed, tokenizer: tokenizer, length: 8, sequences: 4, seed: 0) == expected)
  }

  /// Text beyond what is needed is not even read.
  @Test func readsNoFurther() throws {
    let good = String(repeating: "{\"text\": \"to be, or not to be\"}\n", count: 10000)
    let endless = try folder.source((good + "nonsense\n").utf8, "long.jsonl")
    #expect(try TokenSequences(endless, tokenizer: tokenizer, length: 8, sequences: 10, seed: 0).ids.count == 10)
    #expect(throws: CalibrationError.self) { try TokenSequences.tokens(of: endless, tokenizer: tokenizer) }
    let text = try folder.source(
      Array("to be, or not to be ".utf8) + [UInt8](repeating: 0x61, count: 100_000) + [0xFF], "long.txt")
    #expect(try TokenSequences.tokens(of: text, tokenizer: tokenizer, limit: 5).count == 5)
  }

  @Test func specialTokens() throws {
    let path = fixtures.appending(path: "tokenizers/llama3.tokenizer.json").path
    let llama = try Tokenizer(contentsOfFile: path)
    let begin = try #require(llama.id(of: "<|begin_of_text|>"))
    let with = try TokenSequences.tokens(of: source, tokenizer: llama, addSpecialTokens: true)
    let without = try TokenSequences.tokens(of: source, tokenizer: llama)
    #expect(with.count { $0 == begin } == 100)
    #expect(with.filter { $0 != begin } == without)
  }

  @Test func tooLittle() throws {
    let error = #expect(throws: CalibrationError.self) {
      try TokenSequences(source, tokenizer: tokenizer, length: 1000, sequences: 128, seed: 0)
    }
    let count = try TokenSequences.tokens(of: source, tokenizer: tokenizer).count
    #expect(error?.code == .tooFewTokens)
    #expect(error?.description.contains("\(count) tokens make \(count / 1000) sequences of 1000, not 128") == true)
    for (length, sequences) in [(0, 1), (1, 0), (-1, 1), (Int.max, 2), (Int.max, 1), (1 << 40, 1 << 40), (1, Int.min)] {
      let error = #expect(throws: CalibrationError.self) {
        try TokenSequences(source, tokenizer: tokenizer, length: length, sequences: sequences, seed: 0)
      }
      #expect(error?.code == .invalidArgument)
    }
  }

  @Test func givenIDs() throws {
    let sequences = try TokenSequences(ids: [[1, 2], [3, 0]])
    #expect(sequences.length == 2)
    #expect(try sequences.checked(vocabularySize: 4) == sequences)
    let error = #expect(throws: CalibrationError.self) { try sequences.checked(vocabularySize: 3) }
    #expect(error?.code == .invalidIDs && error?.description.contains("token 0 of sequence 1 is 3") == true)
    for ids in [[], [[]], [[1], [1, 2]], [[1], []], [[1, -1]]] as [[[Int32]]] {
      let error = #expect(throws: CalibrationError.self) { try TokenSequences(ids: ids) }
      #expect(error?.code == .invalidIDs)
    }
  }
}
