internal import Tensors
import Architectures
import Artifacts
import CPUCompute
import Checkpoints
import Communication
import Compute
import LayerStreaming
import ModelTestSupport
import Pipeline
import Testing
import Transformers

/// What is planned for a model that writes, beside what it takes.
@Suite struct GenerationMemoryTests {
  private static let length = 200

  private func memory(
    _ model: Model, sequences: Int = 40, length: Int = length, limit: Int? = nil, available: Int = 1 << 40
  ) throws -> GenerationMemory {
    let session = Session(communicator: SoloCommunicator(), console: Console(isSpeaking: false)) { _, _, _ in
      ReferenceBackend()
    }
    return try GenerationMemory(
      model, length: length, sequences: sequences, weights: WeightResidence(owner: nil, usesBFloat16: false),
      limit: limit.map { ByteSize(bytes: $0) }, available: available, session: session)
  }

  /// Never more than planned, and not so much less that limits would refuse what fits, with and without the weights kept.
  @Test(arguments: [true, false], [1, 12]) func isAsPlanned(keepsWeights: Bool, sequences: Int) throws {
    let checkpoint = try RandomCheckpoint(
      MemoryRealityTests.configuration.merging(["vocab_size": .integer(2048)]) { $1 }, elementType: .bfloat16)
    let model = try Model(path: checkpoint.path)
    let most = try memory(model, sequences: sequences)
    #expect(most.keepsWeights && most.sequences == sequences)
    var planned = most
    if !keepsWeights {
      // One sequence then leaves no room for the weights; of twelve, fewer at a time may.
      let less = most.account.total - most.account[.weightsKept] * 2 / 5
      planned = try memory(model, sequences: sequences, limit: less)
      #expect(!planned.keepsWeights || sequences > 1)
    }
    let backend = CPUBackend(threads: 1)
    let weights = WidenedWeights(
      blueprint: model.blueprint, backend: backend, source: MappedLayerSource(model),
      isKeeping: planned.keepsWeights)
    _ = try GenerationPass(weights).run(
      Array(repeating: [1, 2, 3], count: planned.sequences), promptLength: 3, length: Self.length
    ) { sequence, position, _ in Int32(sequence + position) }
    let (peak, expected) = (backend.takePeakBytes(), planned.account.backendBytes)
    #expect(peak <= expected, "\(peak) bytes were taken, \(expected) planned: \(planned.account)")
    #expect(Double(expected) <= 1.5 * Double(peak), "\(peak) bytes were taken, \(expected) planned: \(planned.account)")
    withExtendedLifetime(checkpoint.folder) {}
  }

  /// More room lets more sequences be written at a time, up to 2 GiB of keys and values or 128 sequences, or half of the limit.
  @Test func sequencesAtATime() throws {
    let checkpoint = try RandomCheckpoint(MemoryRealityTests.configuration)
    let model = try Model(path: checkpoint.path)
    let perToken = GenerationPass.cacheBytesPerToken(model.blueprint)
    // 4 layers, keys and values of 2 heads of 32 float32 numbers.
    #expect(perToken == 4 * 2 * 2 * 32 * 4)
    var before = 0
    for limit in [130_000_000, 300_000_000, 1_000_000_000, 3_000_000_000] {
      let planned = try memory(model, sequences: 1_000_000, limit: limit)
      #expect(planned.account.total <= limit && planned.sequences > before)
      #expect(planned.sequences * Self.length * perToken <= limit / 2)
      before = planned.sequences
    }
    let unlimited = try memory(model, sequences: 1_000_000)
    #expect(unlimited.sequences > before && unlimited.sequences * Self.length * perToken <= 2 << 30)
    #expect(unlimited.sequences * Self.length * perToken > 1 << 30)
    #expect(try memory(model, sequences: 3).sequences == 3)
    // 41 MB of keys and values each.
    #expect(try memory(model, sequences: 1_000_000, length: 20_000).sequences == 128)
    #expect(try memory(model, sequences: 1_000_000, length: 20_000, available: 8 << 30).sequences < 64)

    let error = #expect(throws: PeerFailure.self) { try memory(model, limit: 1_000_000) }
    #expect("\(try #require(error))".contains("lower generation.length"))
    withExtendedLifetime(checkpoint.folder) {}
  }
}
