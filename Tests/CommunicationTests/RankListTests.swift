import Communication
import Testing

@Suite struct RankListTests {
  @Test func foldsNeighbors() {
    #expect(RankList([2]).description == "rank 2")
    #expect(RankList([3, 0, 1, 1, 7]).description == "ranks 0-1, 3, 7")
  }

  @Test func cutsLongLists() {
    let even = RankList(Array(stride(from: 0, to: 4000, by: 2)))
    #expect(even.description == "ranks 0, 2, 4, 6, 8, 10, 12, 14 and 1992 more")
    #expect(RankList(Array(0..<4000)).description == "ranks 0-3999")
  }
}
