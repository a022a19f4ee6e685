import Artifacts
import Foundation
import TestSupport

/// A run as one of SmolLM2-135M at 40 % on two ranks would leave it: 30 layers, 120 steps of tuning and 80 of recovery.
enum SampleRun {
  static let ranks = 2

  static let report: RunReport = {
    var random = SeededGenerator(seed: 3)
    var report = RunReport(
      espalierVersion: "0.1.0",
      model: .init(path: ".models/smollm2-135m", hash: String(repeating: "5d1c9a70", count: 8)),
      resources: .init(ranks: ranks, hosts: ["node-a", "node-b"], threads: 8, backend: "OpenBLAS 0.3.21 (Zen)"))
    report.output = "smollm2-pruned"
    report.runDigest = String(repeating: "0f", count: 32)
    report.sparsity = .init(requested: 0.4, achieved: 0.40007)
    report.parameters = .init(before: 134_515_008, after: 92_037_312)
    report.bytes = .init(before: 269_060_552, after: 184_105_288)
    report.perplexity = .init(
      before: 21.41, after: 54.87, text: "wikitext-2.txt", window: 1024, windows: 12, tokens: 12_276)
    report.perplexities = [
      .init(name: "dense", value: 21.41), .init(name: "one-shot", value: 171.93), .init(name: "gates", value: 73.02),
      .init(name: "gates + LoRA", value: 54.87),
    ]
    report.training = [
      .init(
        stage: "tune", steps: 120, tokens: 61_440, seconds: 1_412, codec: "exact", sentBytes: 31_104_000,
        uncompressedBytes: 35_769_600,
        rounds: zip([0.1, 0.2, 0.3, 0.4], [29.4, 41.8, 58.2, 70.9]).map { target, perplexity in
          .init(
            targetSparsity: target, sparsity: target + 0.0013, steps: 30, loss: 3.1 + target,
            validationPerplexity: perplexity, isKept: target == 0.4)
        }),
      .init(
        stage: "recover", steps: 80, tokens: 81_920, seconds: 1_980, codec: "int8", sentBytes: 102_400_000,
        uncompressedBytes: 471_859_200, rounds: []),
    ]
    report.selection = (0..<4).map { seed in
      .init(
        name: "seed \(seed)", seed: UInt64(seed), text: seed < 2 ? "c4.jsonl.zst" : "demo/train.txt",
        divergence: [0.4123, 0.3987, 0.5210, 0.5433][seed], isChosen: seed == 1)
    }
    report.phases = zip(
      ["load", "evaluate dense", "select", "score", "allocate", "tune", "recover", "repack", "evaluate pruned"],
      [0.4, 75, 310, 61, 0.2, 1412, 1980, 3.1, 54]
    ).map { name, seconds in
      .init(
        name: name,
        seconds: (0..<ranks).map { $0 == 0 ? seconds : seconds * Double.random(in: 0.8..<1, using: &random) },
        rate: name.hasPrefix("eval") ? .init(value: 12_276 / seconds, unit: "tokens/s") : nil)
    }
    report.peakBytes = [1_612_000_000, 1_598_400_000]
    report.trafficBytes = 4_076_000_000
    report.layers = (0..<30).map { layer in
      let share = 0.35 + 0.6 * abs(Double(layer) - 16) / 16
      return .init(
        attention: .init(kept: max(1, Int((share * 3).rounded())), total: 3),
        mlp: .init(
          kept: min(1536, Int(share * 1536 * Double.random(in: 0.85..<1.1, using: &random)) / 8 * 8), total: 1536))
    }
    report.warnings = ["3,000 tokens of calibration text were found, so that 23 sequences of 128 were used, not 32"]
    return report
  }()

  static let steps: [TrainingStep] = {
    var random = SeededGenerator(seed: 4)
    func noise(_ size: Double) -> Double { Double.random(in: -size..<size, using: &random) }
    let tune = (1...120).map { step -> TrainingStep in
      let round = (step - 1) / 30
      let target = 0.1 * Double(round + 1)
      let share = Double((step - 1) % 30) / 29
      let sparsity = target - 0.1 * exp(-6 * share) + noise(0.002)
      return TrainingStep(
        stage: "tune", step: step, round: round, loss: 3.0 + 1.6 * target + 0.5 * exp(-4 * share) + noise(0.12),
        gradientNorm: 0.4 + noise(0.1), learningRate: 0.1, targetSparsity: target, sparsity: sparsity,
        attentionOpen: 1 - 0.8 * sparsity, mlpOpen: 1 - 1.06 * sparsity,
        validationPerplexity: step.isMultiple(of: 10) ? 20 + 130 * sparsity + noise(2) : nil, tokens: step * 512,
        sentBytes: 259_200, uncompressedBytes: 298_080, seconds: 11.7)
    }
    let recover = (1...80).map { step in
      TrainingStep(
        stage: "recover", step: step, round: 0, loss: 3.2 + 0.7 * exp(-Double(step) / 25) + noise(0.1),
        gradientNorm: 1 + noise(0.3), learningRate: 2e-4,
        validationPerplexity: step.isMultiple(of: 10) ? 54 + 18 * exp(-Double(step) / 25) : nil, tokens: step * 1024,
        sentBytes: 1_280_000, uncompressedBytes: 5_898_240, seconds: 24.7)
    }
    return tune + recover
  }()

  static let yaml = try? String(
    decoding: TemporaryFolder.bytes(of: Fixtures.path("run-document-resolved.yaml")), as: UTF8.self)

  /// A run of a model of 126 layers on 512 ranks.
  static let large: RunReport = {
    var report = Self.report
    report.resources.ranks = 512
    report.resources.hosts = (0..<64).map { "node-\($0)" }
    report.peakBytes = (0..<512).map { 1_600_000_000 + $0 % 7 * 10_000_000 }
    report.layers = (0..<126).map { Self.report.layers[$0 * 30 / 126] }
    report.phases = report.phases.map { phase in
      .init(name: phase.name, seconds: (0..<512).map { phase.secondsMax * (1 - 0.05 * Double($0 % 7)) })
    }
    return report
  }()

  /// 20,000 steps of tuning, one of them with a loss of 77.
  static let manySteps: [TrainingStep] = (0..<20_000).map { index in
    var step = steps[index % 120]
    step.step = index
    if index == 12_345 { step.loss = 77 }
    return step
  }

  /// What no run is, but a damaged or hostile report.json may say.
  static let hostile: RunReport = {
    var report = Self.report
    let name = "</title><script>alert('x')</script>&amp;\"\u{0}\u{1B}[2J\u{FFFF}{{title}}{{{style}}}"
    report.model = .init(path: name, hash: name)
    report.output = name
    report.resources.hosts = Array(repeating: name, count: 20)
    report.resources.backend = name
    report.perplexity?.text = name
    report.perplexity?.before = .nan
    report.perplexity?.after = .infinity
    report.perplexities = [
      .init(name: name, value: .infinity), .init(name: "dense", value: -1), .init(name: "a", value: 1e308),
      .init(name: "b", value: .nan),
    ]
    report.parameters = .init(before: .min, after: .max)
    report.bytes = .init(before: 0, after: -5)
    report.sparsity = .init(requested: .infinity, achieved: -0.0)
    report.phases = [
      .init(name: name, seconds: [.nan, 1e308, -1], rate: .init(value: 1e300, unit: name)),
      .init(name: "b", seconds: []), .init(name: "c", seconds: Array(repeating: .infinity, count: 20)),
    ]
    report.layers = [
      .init(attention: .init(kept: .max, total: .min), mlp: .init(kept: 3, total: 0)),
      .init(attention: .init(kept: .min, total: .max), mlp: .init(kept: -1, total: 8)),
    ]
    report.training = [
      .init(
        stage: name, steps: .max, tokens: .min, seconds: .nan, codec: name, sentBytes: .max, uncompressedBytes: .min,
        rounds: [
          .init(
            targetSparsity: .nan, sparsity: .infinity, steps: .min, loss: .nan, validationPerplexity: -.infinity,
            isKept: true)
        ])
    ]
    report.selection = [.init(name: name, seed: .max, text: name, divergence: .nan, isChosen: true)]
    report.peakBytes = [.min, .max]
    report.trafficBytes = .max
    report.warnings = [name]
    return report
  }()

  static let hostileSteps: [TrainingStep] = {
    let stage = hostile.training?.first?.stage ?? ""
    let losses = [Double.nan, .infinity, 1e308, -1e308, 1e300, -1e300, Double.leastNonzeroMagnitude, 0, -0.0]
    return losses.enumerated().map { index, loss in
      TrainingStep(
        stage: stage, step: index == 0 ? .min : index == 8 ? .max : index, round: .min, loss: loss, gradientNorm: .nan,
        learningRate: .nan, targetSparsity: loss, sparsity: Double.leastNonzeroMagnitude, attentionOpen: 1,
        mlpOpen: 1 + 1e-16,
        validationPerplexity: loss, tokens: .max, sentBytes: .min, uncompressedBytes: .max, seconds: .nan)
    }
  }()
}
