internal import Tensors
import Architectures
import Artifacts
import Foundation
import ModelTestSupport
import Safetensors
import Saliency
import TestSupport
import Testing
import Transformers

/// Unit scores against the NIRVANA paper's arithmetic in PyTorch, within a thousandth of every unit's score.
@Suite struct GoldenScoresTests {
  @Test func demo() throws {
    let golden = try Fixtures.golden("nirvana-demo")
    let run = ScoringRun(try Model(path: Fixtures.demoModel))
    let result = try run.score(try golden.sequences())
    #expect(abs(result.objective - (try Self.number("nirvana-demo", ["f"]))) < 1e-4)
    let attention = largestRelativeDifference(
      flat(result.layers, \.attention), try golden.tensor("max-logit.heads").floats())
    let mlp = largestRelativeDifference(
      flat(result.layers, \.mlp), try golden.tensor("max-logit.neurons").floats())
    #expect(attention < 1e-3)
    #expect(mlp < 1e-3)
  }

  /// Plain loops take two of the 32 sequences, cut short; both backends see the same.
  @Test(arguments: Objective.allCases, ScoringSettings.Accumulation.allCases)
  func backendsAgree(objective: Objective, accumulation: ScoringSettings.Accumulation) throws {
    let sequences = try Fixtures.golden("nirvana-demo").sequences().prefix(2).map { Array($0.prefix(24)) }
    let model = try Model(path: Fixtures.demoModel)
    let settings = ScoringSettings(objective: objective, accumulation: accumulation)
    let cpu = try ScoringRun(model, .cpu, settings: settings).score(sequences)
    let reference = try ScoringRun(model, .reference, settings: settings).score(sequences)
    #expect(abs(cpu.objective - reference.objective) < 1e-5)
    #expect(largestDifference(cpu.layers, reference.layers) < 1e-3)
  }

  @Test(.enabled(if: Fixtures.smolLM2 != nil), arguments: Objective.allCases) func smolLM2(objective: Objective) throws
  {
    let golden = try Fixtures.golden("nirvana-smollm2-135m")
    let model = try Model(path: try #require(Fixtures.smolLM2))
    let run = ScoringRun(model, settings: ScoringSettings(objective: objective))
    let result = try run.score(try golden.sequences())
    let value = try Self.number("nirvana-smollm2-135m", ["f", objective.rawValue])
    #expect(abs(result.objective - value) < 1e-4 * value)
    let attention = largestRelativeDifference(
      flat(result.layers, \.attention), try golden.tensor("\(objective.rawValue).heads").floats())
    let mlp = largestRelativeDifference(
      flat(result.layers, \.mlp), try golden.tensor("\(objective.rawValue).neurons").floats())
    #expect(attention < 1e-3)
    #expect(mlp < 1e-3)
  }

  /// A number of a golden JSON file, by the keys that lead to it.
  private static func number(_ name: String, _ keys: [String]) throws -> Double {
    let data = try Data(contentsOf: URL(filePath: Fixtures.path("golden/\(name).json")))
    var value: Any? = try JSONSerialization.jsonObject(with: data)
    for key in keys { value = (value as? [String: Any])?[key] }
    return try #require((value as? NSNumber)?.doubleValue)
  }
}
