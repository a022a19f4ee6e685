import Architectures
import Artifacts
import Calibration
import Compute
import Evaluation
import Foundation
import LayerStreaming
import ModelTestSupport
import TestSupport
import Testing
import Tokenizers
import Transformers

/// Perplexity against PyTorch's, and against what the logits say.
@Suite struct PerplexityTests {
  static let lengths = [(40, 1), (7, 3), (25, 20), (2, 1), (31, 1), (12, 11)]

  /// Tiny Shakespeare's validation text in 193 windows of 256, as in nirvana-demo.json.
  @Test func demoText() throws {
    let golden = try JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(filePath: Fixtures.path("golden/nirvana-demo.json"))))
    let expected = try #require((golden as? [String: Any])?["dense_perplexity"] as? Double)
    let model = try Model(path: Fixtures.demoModel)
    let text = try String(contentsOfFile: Fixtures.repository + "/demo/valid.txt", encoding: .utf8)
    let ids = try Tokenizer(contentsOfFile: Fixtures.demoModel + "/tokenizer.json").encode(text)
    let windows = try Windows.over(tokens: ids.count, window: 256, stride: 256, limit: 193).map { window in
      EvaluationWindow(
        ids: Array(ids[window.start..<window.start + window.length]), scoredFrom: window.scoredFrom)
    }
    #expect(windows.count == 193)
    let perplexity = try EvaluationRun(model).measure(windows)
    #expect(perplexity.tokens == 193 * 255)
    #expect(abs(perplexity.value - expected) < 1e-3)
  }

  /// Uneven windows with context: the mean over counted tokens, whatever the batches and rounds.
  @Test(arguments: TestedBackend.allCases, [(1 << 16, 1 << 16), (16, 1 << 16), (40, 1), (1, 50), (64, 64)])
  func everyWayOfGathering(backend: TestedBackend, tokens: (batch: Int, round: Int)) throws {
    let model = try Model(path: Fixtures.model("tiny-llama"))
    let windows = randomWindows(Self.lengths, vocabularySize: 512, seed: 3)
    var run = EvaluationRun(model, backend)
    (run.batchTokens, run.roundTokens) = tokens
    let result = try run.measure(windows)
    #expect(result.tokens == windows.reduce(0) { $0 + $1.ids.count - $1.scoredFrom })
    let expected = try Self.lossFromLogits(model, windows)
    #expect(abs(result.negativeLogLikelihood - expected) < 1e-4 * expected)
    #expect(abs(result.value - exp(expected / Double(result.tokens))) < 1e-3 * result.value)
  }

  /// Windows that overlap count each token once, with the context that the stride leaves.
  @Test(arguments: [1, 5, 16, 32]) func stridesCountEachTokenOnce(stride: Int) throws {
    let model = try Model(path: Fixtures.model("tiny-llama-tied"))
    let ids = randomSequences(lengths: [77], vocabularySize: 512, seed: 4)[0]
    let windows = try Windows.over(tokens: 77, window: 32, stride: stride).map {
      EvaluationWindow(ids: Array(ids[$0.start..<$0.start + $0.length]), scoredFrom: $0.scoredFrom)
    }
    let result = try EvaluationRun(model).measure(windows)
    // Windows that only touch leave each one's first token without a prediction.
    #expect(result.tokens == (stride == 32 ? 77 - windows.count : 76))
    let expected = try Self.lossFromLogits(model, windows)
    #expect(abs(result.negativeLogLikelihood - expected) < 1e-4 * expected)
  }

  @Test func edges() throws {
    let nothing = try EvaluationRun(try Model(path: Fixtures.model("tiny-llama"))).measure([])
    #expect(nothing == Perplexity(negativeLogLikelihood: 0, tokens: 0))
    #expect(nothing.value.isNaN)
    #expect(Perplexity(negativeLogLikelihood: 0, tokens: 5).value == 1)
    #expect(Perplexity(negativeLogLikelihood: 1e9, tokens: 2).value == .infinity)
  }

  /// Σ (log Σ exp(logit) − logit of the target) over the counted tokens, from each window's own logits.
  private static func lossFromLogits(_ model: Model, _ windows: [EvaluationWindow]) throws -> Double {
    let vocabulary = 512
    var sum = 0.0
    for window in windows {
      let logits = try model.logits(of: [window.ids], backend: TestedBackend.reference.make())[0]
      for target in window.scoredFrom..<window.ids.count {
        let row = logits[(target - 1) * vocabulary..<target * vocabulary].map(Double.init)
        let largest = row.max() ?? 0
        sum += largest + log(row.reduce(0) { $0 + exp($1 - largest) }) - row[Int(window.ids[target])]
      }
    }
    return sum
  }
}
