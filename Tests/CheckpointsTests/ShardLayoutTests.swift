import Checkpoints
import Safetensors
import Tensors
import Testing

@Suite struct ShardLayoutTests {
  static func entry(_ name: String, _ bytes: Int, _ type: ElementType = .uint8) -> TensorEntry {
    TensorEntry(name: name, elementType: type, shape: [bytes / type.byteCount])
  }

  @Test func aSmallModelIsOneFileWithoutIndex() throws {
    let layout = try ShardLayout(groups: [[Self.entry("a", 4)], [], [Self.entry("b", 4)]], maximumShardBytes: 8)
    #expect(layout.shards.map(\.fileName) == ["model.safetensors"])
    #expect(layout.shards[0].groups == 0...2)
    #expect(layout.index == nil)
    #expect(layout.totalBytes == 8)
  }

  @Test func groupsStayTogether() throws {
    let groups = [
      [Self.entry("embedding", 6)], [Self.entry("0.a", 3), Self.entry("0.b", 3)], [Self.entry("1.a", 3)],
      [Self.entry("huge", 20), Self.entry("2.b", 4), Self.entry("2.c", 7)],
    ]
    let layout = try ShardLayout(groups: groups, maximumShardBytes: 10)
    #expect(
      layout.shards.map { $0.entries.map(\.name) } == [
        ["embedding"], ["0.a", "0.b", "1.a"], ["huge"], ["2.b"], ["2.c"],
      ])
    #expect(layout.shards.map(\.byteCount) == [6, 9, 20, 4, 7])
    #expect(layout.shards[1].groups == 1...2)
    #expect(layout.shards[1].fileName == "model-00002-of-00005.safetensors")
    #expect(try ShardLayout(groups: groups, maximumShardBytes: 10) == layout)
    let index = try #require(layout.index)
    #expect(index["metadata"] == ["total_size": 46])
    #expect(index["weight_map"]?["2.c"] == "model-00005-of-00005.safetensors")
    #expect(index["weight_map"]?.objectValue?.count == 7)
  }

  @Test func widerTypesComeFirstOnlyWhereAlignmentNeedsIt() throws {
    let aligned = [Self.entry("a", 4, .bfloat16), Self.entry("b", 4, .float32)]
    #expect(try ShardLayout(groups: [aligned], maximumShardBytes: 99).shards[0].entries.map(\.name) == ["a", "b"])
    let odd = [Self.entry("a", 2, .bfloat16), Self.entry("b", 4, .float32), Self.entry("c", 6, .bfloat16)]
    #expect(try ShardLayout(groups: [odd], maximumShardBytes: 99).shards[0].entries.map(\.name) == ["b", "a", "c"])
  }

  @Test func impossibleLayoutsAreRefused() {
    let a = Self.entry("a", 4)
    for (groups, limit, part) in [
      ([[a]], 0, "at most 0 bytes"), ([], 8, "no tensors"), ([[]], 8, "no tensors"),
      ([[a], [a]], 8, "\"a\" is to be written twice"),
      ([[TensorEntry(name: "b", elementType: .float32, shape: [-1])]], 8, "impossible shape [-1]"),
      ([[Self.entry("b", .max), a]], 8, "impossible shape"),
    ] {
      #expect {
        try ShardLayout(groups: groups, maximumShardBytes: limit)
      } throws: { error in
        (error as? CheckpointError)?.code == .invalidLayout && "\(error)".contains(part)
      }
    }
  }
}
