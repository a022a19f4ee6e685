import Communication
import Testing

@Suite struct PartitionTests {
  static let ranks = [1, 2, 3, 8, 61]
  static let counts = [0, 1, 2, 7, 8, 64, 1001]

  @Test(arguments: ranks, counts) func everyLayerHasOneOwner(ranks: Int, count: Int) {
    let partition = Partition(ranks: ranks)
    let owned = (0..<ranks).map { partition.layers(ownedBy: $0, of: count) }
    #expect(owned.flatMap { $0 }.sorted() == Array(0..<count))
    for (rank, layers) in owned.enumerated() {
      #expect(layers.allSatisfy { partition.owner(ofLayer: $0) == rank })
    }
  }

  @Test(arguments: ranks, counts) func blocksCoverInOrderAndDifferByOne(ranks: Int, count: Int) {
    let partition = Partition(ranks: ranks)
    let blocks = (0..<ranks).map { partition.block(of: count, rank: $0) }
    #expect(blocks.flatMap { Array($0) } == Array(0..<count))
    let lengths = blocks.map(\.count)
    #expect((lengths.max() ?? 0) - (lengths.min() ?? 0) <= 1)
    #expect(lengths == lengths.sorted(by: >))
    for (rank, block) in blocks.enumerated() {
      #expect(block.allSatisfy { partition.owner(ofIndex: $0, of: count) == rank })
    }
  }

  @Test func layersGoRoundRobin() {
    #expect(Partition(ranks: 3).layers(ownedBy: 1, of: 8) == [1, 4, 7])
    #expect(Partition(ranks: 3).block(of: 8, rank: 1) == 3..<6)
    #expect(Partition(ranks: 8).block(of: 3, rank: 7) == 3..<3)
  }
}
