import Architectures
import Blueprints
import Compute
import ModelTestSupport
import TestSupport
import Testing
import Transformers

/// Hidden states that go to a file, wholly or in part, come back bit for bit.
@Suite struct BoundaryStoreTests {
  /// Of tiny-llama's boundaries some, or all, go to the file; the gradients stay the same bits.
  @Test(arguments: [0, 1, 30_000, 70_000]) func spillingChangesNoBit(budget: Int) throws {
    let run = try GoldenRun("tiny-llama", .cpu)
    let folder = try TemporaryFolder()
    var kept: [TensorRole: [Float]] = [:]
    var spilled: [TensorRole: [Float]] = [:]
    let a = try run.gradientPass(objective: .loss) { kept[$0] = $1 }
    let b = try run.gradientPass(objective: .loss, spillAfter: budget, folder: folder.path) { spilled[$0] = $1 }
    #expect(a == b)
    #expect(kept == spilled)
    #expect(folder.names.isEmpty)
  }

  @Test func batchesOfDifferentSizesSpillToo() throws {
    let run = try GoldenRun("tiny-llama", .cpu)
    let batches = [
      TokenBatch(nextTokenOf: [Array(run.sequences[0].prefix(5))]), TokenBatch(nextTokenOf: run.sequences),
    ]
    var kept: [TensorRole: [Float]] = [:]
    var spilled: [TensorRole: [Float]] = [:]
    _ = try run.gradientPass(objective: .maximumLogit, batches: batches) { kept[$0] = $1 }
    _ = try run.gradientPass(objective: .maximumLogit, batches: batches, spillAfter: 40_000) { spilled[$0] = $1 }
    #expect(kept == spilled)
  }

  @Test func whatFitsStaysInMemory() throws {
    let backend = TestedBackend.reference.make()
    let batches = [TokenBatch(nextTokenOf: [[1, 2, 3]]), TokenBatch(nextTokenOf: [[4, 5]])]
    let folder = try TemporaryFolder()
    let slot = 3 * 4 * 4
    for (budget, spilledSlots) in [(0, 6), (slot - 1, 6), (slot, 5), (4 * slot, 2), (6 * slot, 0), (-1, 6)] {
      let store = try BoundaryStore(
        layers: 3, batches: batches, hiddenSize: 4, backend: backend, memoryBudget: budget, spillFolder: folder.path)
      #expect(store.spilledBytes == spilledSlots * slot, "budget \(budget)")
      for layer in 0..<3 {
        for (number, batch) in batches.enumerated() {
          let matrix = try backend.makeMatrix(batch.ids.count, 4)
          backend.fill(matrix, with: Float(10 * layer + number))
          try store.put(matrix, layer: layer, batch: number)
        }
      }
      for layer in (0..<3).reversed() {
        for (number, batch) in batches.enumerated() {
          let matrix = try store.take(layer: layer, batch: number)
          #expect(matrix.rows == batch.ids.count && matrix.columns == 4)
          #expect(backend.floats(matrix).allSatisfy { $0 == Float(10 * layer + number) })
        }
      }
    }
    #expect(BoundaryStore.byteCount(layers: 3, tokens: 5, hiddenSize: 4) == 3 * 5 * 4 * 4)
  }

  @Test func aRankWithoutBatchesNeedsNoFile() throws {
    let store = try BoundaryStore(
      layers: 3, batches: [], hiddenSize: 4, backend: TestedBackend.reference.make(), memoryBudget: 0,
      spillFolder: "/nonexistent")
    #expect(store.spilledBytes == 0)
  }
}
