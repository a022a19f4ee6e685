internal import Checkpoints
import Architectures
import Artifacts
import Foundation
import Pipeline
import TestSupport
import Testing

/// What a run takes, told from a config.json; numbers counted by hand from docs/estimate.md.
@Suite struct EstimateTests {
  static let large = Fixtures.path("shapes/llama-3.1-70b")

  static func cluster(
    nodes: Int = 1, ranksPerNode: Int = 1, link: Double = 1e9, memory: Int? = nil,
    collectives: Collectives = .pipelined, broadcasts: Bool? = nil
  ) -> Cluster {
    Cluster(
      nodes: nodes, ranksPerNode: ranksPerNode, cores: 1, measuringRate: 1e12, rate: 1e12, usesBFloat16: false,
      linkRate: link,
      diskRate: 1e9, memory: memory, collectives: collectives, broadcasts: broadcasts ?? (nodes > 1))
  }

  static func phases(
    _ model: String = large, _ overrides: [String: String] = [:], on cluster: Cluster
  ) throws -> [String: PhaseEstimate] {
    let keys = overrides.map { RunOverride(key: $0.key, value: $0.value, source: "test") }
    let document = try RunDocument(model: model).applying(keys)
    let estimate = try RunEstimate(
      ModelShape(configuration: model), document: document, workload: RunWorkload(document), cluster: cluster)
    return Dictionary(uniqueKeysWithValues: estimate.phases.map { ($0.name, $0) })
  }

  static let text = ["calibration.sequences": "128", "calibration.length": "2048"]
  /// Parameters of Llama-3.1-70B's layers: 80 · (8192 · (8192 + 2 · 1024 + 8192 + 3 · 28672) + 2 · 8192).
  static let layerWeights = Double(80 * 8192 * (8192 + 2 * 1024 + 8192 + 3 * 28672) as Int)

  /// A shape is what the folder's weights say too.
  @Test(arguments: ["tiny-llama", "tiny-llama-bf16", "tiny-llama-tied", "tiny-llama3"])
  func shapeIsTheFolders(name: String) throws {
    let model = try Model(path: Fixtures.model(name))
    let shape = try ModelShape(configuration: Fixtures.model(name) + "/config.json")
    #expect(model.shape.byteCount == model.folder.totalBytes)
    #expect(shape.parameterCount == model.parameterCount && model.shape.parameterCount == model.parameterCount)
    #expect(model.shape.isBFloat16 == (name == "tiny-llama-bf16"))
  }

  @Test func shapeOfLlama70B() throws {
    let shape = try ModelShape(configuration: Self.large)
    #expect(shape.parameterCount == 70_553_706_496)
    #expect(shape.byteCount == 2 * 70_553_706_496 && shape.isBFloat16)
  }

  /// Numbers that no machine has are an error, not an overflow.
  @Test(arguments: [
    ("\"hidden_size\": 8192", "\"hidden_size\": 1073741824"), ("\"vocab_size\": 128256", "\"vocab_size\": 16777216"),
    ("\"dtype\": \"bfloat16\"", "\"dtype\": \"int4\""), ("\"model_type\": \"llama\"", "\"model_type\": \"other\""),
  ])
  func hostileShapes(from: String, to: String) throws {
    let folder = try TemporaryFolder()
    let text = String(decoding: try TemporaryFolder.bytes(of: Self.large + "/config.json"), as: UTF8.self)
    try #require(text.contains(from))
    let path = try folder.write([UInt8](text.replacingOccurrences(of: from, with: to).utf8), to: "config.json")
    if to.contains("vocab_size") {
      // Large, but a number.
      #expect(try ModelShape(configuration: path).parameterCount > 1 << 38)
    } else {
      #expect(throws: (any Error).self) { try ModelShape(configuration: path) }
    }
  }

  @Test func tooManyTokens() throws {
    #expect(throws: RunDocumentError.self) {
      try Self.phases(
        Self.large, ["calibration.sequences": "\(Int32.max)", "calibration.length": "2000000000"],
        on: Self.cluster())
    }
  }

  /// Forward, both gradients, and what is computed again: 8 operations per weight and token, at 85 % of the rate.
  @Test func scoringIsComputation() throws {
    let more = ["resources.recompute": "always"]
    let score = try #require(try Self.phases(Self.large, Self.text.merging(more) { $1 }, on: Self.cluster())["score"])
    let weights = 8 * Self.layerWeights * 128 * 2048 / 0.85e12
    #expect(score.bound == .compute && score.computeSeconds > weights && score.computeSeconds < 1.1 * weights)
    #expect(score.seconds == score.computeSeconds && score.rankBytes == 0 && score.linkBytes == 0)
    // 6 of 8 without computing again.
    let kept = try #require(
      try Self.phases(Self.large, Self.text.merging(["resources.recompute": "never"]) { $1 }, on: Self.cluster())[
        "score"]
    )
    #expect(abs(kept.computeSeconds / score.computeSeconds - 0.75) < 0.02 && kept.memoryBytes > score.memoryBytes)
  }

  /// Ranks share the computation; what each moves is all weights forward, layers again, and a gradient per weight.
  @Test func ranksShare() throws {
    let one = try #require(try Self.phases(Self.large, Self.text, on: Self.cluster())["score"])
    let eight = try #require(try Self.phases(Self.large, Self.text, on: Self.cluster(nodes: 8, link: 1e12))["score"])
    #expect(abs(one.computeSeconds / eight.computeSeconds - 8) < 0.2)
    let gradients = 4 * (Self.layerWeights + 80 * 2 * 8192)
    let layers = gradients / 2
    let edges = Double(2 * (2 * 128_256 * 8192 + 8192) as Int)
    #expect(eight.gradientBytes == gradients && eight.broadcastBytes == 2 * layers + edges)
    #expect(eight.linkBytes == 7 * eight.rankBytes)
    let absolute = try #require(
      try Self.phases(
        Self.large, Self.text.merging(["scoring.accumulation": "absolute"]) { $1 }, on: Self.cluster(nodes: 8))["score"]
    )
    #expect(absolute.gradientBytes == 0)
  }

  /// DESIGN §2: a broadcast hides while tokens of a rank × 2 operations per byte … take longer; at 960 tokens, 3 TFLOP/s and
  /// 25 Gb/s both take as long in a forward sweep in bf16.
  @Test func broadcastsHideBehindComputation() throws {
    var cluster = Self.cluster(nodes: 8, link: 25e9 / 8)
    cluster.measuringRate = 3e12 / 0.85
    func dense(_ tokens: Int) throws -> PhaseEstimate {
      let text = ["evaluation.text": "none", "evaluation.limit": "8", "evaluation.window": "\(tokens)"]
      return try #require(try Self.phases(Self.large, text, on: cluster)["evaluate dense"])
    }
    let (few, even, many) = (try dense(480), try dense(960), try dense(1920))
    #expect(few.bound == .link && many.bound == .compute)
    #expect(abs(even.computeSeconds / even.linkSeconds - 1) < 0.1)
    #expect(few.seconds >= few.linkSeconds && few.seconds < 1.05 * few.linkSeconds)
    #expect(many.seconds >= many.computeSeconds && many.seconds < 1.05 * many.computeSeconds)
  }

  /// As many passes over a link as were measured over limited links (docs/estimate.md).
  @Test func collectives() {
    let passes = [1, 2, 4, 8, 16, 32, 128].map { Collectives.openMPI.broadcastPasses($0) }
    #expect(passes == [0, 1, 3, 7, 3.75, 16, 28])
    #expect([1, 2, 4, 8, 32, 128].map { Collectives.openMPI.reductionPasses($0) } == [0, 1, 3, 3, 5, 7])
    #expect([1, 2, 8, 128].map { Collectives.pipelined.broadcastPasses($0) } == [0, 1, 1, 1])
    for ranks in 2...3000 {
      #expect(Collectives.openMPI.broadcastPasses(ranks) >= 1 && Collectives.openMPI.reductionPasses(ranks) >= 1)
    }
  }

  /// More nodes need less of each; what does not fit a node is read again, or more.
  @Test func memoryAndDisk() throws {
    let sizes = try [8, 32, 128].map {
      try #require(try Self.phases(Self.large, Self.text, on: Self.cluster(nodes: $0))["score"]).memoryBytes
    }
    #expect(sizes == sizes.sorted(by: >) && Set(sizes).count == 3 && sizes[0] > 141_000_000_000 / 8)
    let files = { (memory: Int) in
      try #require(
        try Self.phases(Self.large, Self.text, on: Self.cluster(nodes: 8, memory: memory, broadcasts: false))["score"])
    }
    let (little, much) = (try files(64 << 30), try files(1 << 40))
    #expect(much.readBytes == 0 && little.readBytes > 8 * 2 * 2 * Self.layerWeights)
    let load = try #require(try Self.phases(Self.large, on: Self.cluster(nodes: 8))["load"])
    #expect(load.bound == .disk && load.readBytes == 2 * 70_553_706_496)
    #expect(load.seconds > 17.6 && load.seconds < 25)
  }

  /// Phases are those that the document asks for, by the names of a report.
  @Test func phasesOfADocument() throws {
    let names = { (overrides: [String: String]) in
      let keys = overrides.map { RunOverride(key: $0.key, value: $0.value, source: "test") }
      let document = try RunDocument(model: Self.large).applying(keys)
      return try RunEstimate(
        ModelShape(configuration: Self.large), document: document, workload: RunWorkload(document),
        cluster: Self.cluster()
      ).phases.map(\.name)
    }
    #expect(try names([:]) == ["load", "score", "repack"])
    let text = ["evaluation.text": "x.txt", "evaluation.limit": "3"]
    #expect(try names(text) == ["load", "evaluate dense", "score", "repack", "evaluate one-shot"])
    let all = text.merging(["tuning.steps": "3", "recovery.steps": "2", "selection.seeds": "2"]) { $1 }
    #expect(
      try names(all) == [
        "load", "evaluate dense", "score", "select", "evaluate one-shot", "tune", "repack cut", "evaluate gates",
        "recover", "repack", "evaluate gates + LoRA",
      ])
    #expect(try names(["scoring.criterion": "magnitude"]) == ["load", "score", "repack"])
    #expect(try names(["generation.sequences": "9"]) == ["load", "generate", "score", "repack"])
  }

  /// Steps cost alike, and gradients of gates are few beside LoRA's.
  @Test func training() throws {
    func phase(_ name: String, _ steps: Int) throws -> PhaseEstimate {
      let keys = [
        "tuning.steps": "\(steps)", "recovery.steps": "\(steps)", "tuning.validation": "0", "recovery.validation": "0",
      ]
      return try #require(try Self.phases(Self.large, keys, on: Self.cluster(nodes: 8, memory: 1 << 40))[name])
    }
    for name in ["tune", "recover"] {
      let (one, three) = (try phase(name, 1), try phase(name, 3))
      #expect(abs(three.computeSeconds - 3 * one.computeSeconds) < 1e-9 * three.computeSeconds)
      #expect(abs(three.gradientBytes - 3 * one.gradientBytes) < 1 && one.gradientBytes > 0)
    }
    #expect(try phase("tune", 1).gradientBytes < phase("recover", 1).gradientBytes / 10)
  }

  /// A token costs 2 operations per weight where many sequences are written side by side; few have to wait until the weights
  /// are read, at 8 GB/s, and for weights that no memory keeps at every position.
  @Test func generation() throws {
    func phase(_ sequences: Int, on cluster: Cluster) throws -> PhaseEstimate {
      let keys = ["generation.sequences": "\(sequences)", "generation.length": "65", "generation.prompt": "17"]
      return try #require(try Self.phases(Self.large, keys, on: cluster)["generate"])
    }
    // Of 1,000 sequences 128 are written at a time; products of so few wait for no memory where it is quick.
    var quick = Self.cluster()
    quick.cores = 64
    let head = 128_256.0 * 8192
    let many = try phase(1024, on: quick)
    let operations = 1024 * 2 * (64 * Self.layerWeights + 48 * head) / 0.85e12
    let cached = 128 * 65 * 80 * 2 * 8 * 128 * 4
    #expect(many.bound == .compute && many.computeSeconds > operations && many.computeSeconds < 1.01 * operations)
    #expect(many.rankBytes == 0 && many.readBytes == 0 && many.memoryBytes > cached)
    #expect(try phase(128, on: quick).memoryBytes == many.memoryBytes)

    // The norms of 80 layers are few numbers.
    let one = try phase(1, on: Self.cluster())
    let reading = 4 * (64 * Self.layerWeights + 48 * head) / 8e9
    #expect(abs(one.seconds / reading - 1) < 1e-4)

    quick = Self.cluster(nodes: 8, link: 1e12)
    quick.cores = 64
    let shared = try phase(1024, on: quick)
    #expect(abs(many.computeSeconds / shared.computeSeconds - 8) < 0.01)
    let model = Double(2 * 70_553_706_496 as Int)
    #expect(shared.broadcastBytes == model)
    // In 64 GiB there is no room for the float32 weights, so owners send them for each of 64 tokens, the head for 48.
    let small = try phase(8, on: Self.cluster(nodes: 8, memory: 64 << 30))
    #expect(small.bound == .link && abs(small.broadcastBytes - 64 * model + 16 * 2 * head) < 1e7)
    #expect(small.memoryBytes < 64 << 30)
  }
}
