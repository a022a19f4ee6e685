import Architectures
import Artifacts
import Pipeline
import TestSupport
import Testing

/// What a rank's memory holds at most, estimated before it scores.
@Suite struct MemoryPlanTests {
  static func plan(tokens: Int = 4096, batch: Int = 1024, owners: Int? = 1, limit: Int? = nil) throws -> MemoryPlan {
    MemoryPlan(
      try Model(path: Fixtures.demoModel), tokens: tokens, batchTokens: batch, owners: owners,
      limit: limit.map(ByteSize.init(bytes:)))
  }

  @Test func boundariesAreOnePerLayerAndOneMore() throws {
    #expect(try Self.plan().boundaryBytes == 7 * 4096 * 128 * 4)
    #expect(try Self.plan(tokens: 8192).boundaryBytes == 2 * Self.plan().boundaryBytes)
    #expect(try Self.plan(tokens: 0, batch: 0).boundaryBytes == 0)
  }

  /// More tokens in a batch need more, more owners less, mapped files least; boundaries can be spilled and do not count.
  @Test func isMonotone() throws {
    let batches = try [0, 1, 64, 512, 1024, 4096, 1 << 20].map { try Self.plan(batch: $0).fixedBytes }
    #expect(batches == batches.sorted() && Set(batches).count == batches.count)
    let owners = try [8, 4, 2, 1].map { try Self.plan(owners: $0).fixedBytes }
    #expect(owners == owners.sorted() && Set(owners).count == owners.count)
    let mapped = try Self.plan(owners: nil).fixedBytes
    #expect(mapped < owners[0])
    #expect(try Self.plan(tokens: 1 << 30).fixedBytes == Self.plan().fixedBytes)
  }

  /// A demo of 1.3 M parameters is not refused for what only large models need.
  @Test func fitsTheModel() throws { #expect(try Self.plan().fixedBytes < 200_000_000) }

  @Test func limit() throws {
    #expect(try Self.plan().boundaryBudget() == nil)
    let fixed = try Self.plan().fixedBytes
    #expect(try Self.plan(limit: fixed).boundaryBudget() == 0)
    #expect(try Self.plan(limit: fixed + 1000).boundaryBudget() == 1000)
    #expect(try Self.plan(limit: .max).boundaryBudget() == .max - fixed)
  }

  /// The refusal names a size that is enough.
  @Test func refusal() throws {
    let fixed = try Self.plan().fixedBytes
    let error = try #require(throws: MemoryLimitError.self) { try Self.plan(limit: fixed - 1).boundaryBudget() }
    #expect(error.needed.bytes >= fixed && error.needed.bytes < fixed + 1_000_000)
    #expect(try Self.plan(limit: error.needed.bytes).boundaryBudget() != nil)
    #expect(error.description.contains("resources.memory-limit: \(fixed - 1) per rank is too little"))
    #expect(error.description.contains("about \(error.needed) is needed; raise it"))
    #expect(ByteSize("\(error.needed)") == error.needed)
  }
}
