import Architectures
import Blueprints
import Checkpoints
import Communication
import LayerStreaming
import ModelTestSupport
import TestSupport
import Testing
import Transformers

/// Who holds what, and weights straight from the mapped files.
@Suite struct OwnershipTests {
  @Test func everyGroupHasOneOwner() {
    let partition = Partition(ranks: 3)
    var blueprint = Blueprint.bert(layers: 7)
    #expect(partition.owner(of: .embedding, in: blueprint) == 0)
    #expect((0..<7).map { partition.owner(of: .layer($0), in: blueprint) } == [0, 1, 2, 0, 1, 2, 0])
    // A tied output matrix is the embedding, which rank 0 has.
    #expect(partition.owner(of: .head, in: blueprint) == 0)
    blueprint.head.isTied = false
    #expect(partition.owner(of: .head, in: blueprint) == 1)
    #expect(partition.owner(of: .encoderEnd, in: .t5()) == 0)
    #expect(Partition(ranks: 1).owner(of: .head, in: blueprint) == 0)
  }

  @Test(arguments: ["tiny-llama", "tiny-llama-tied", "tiny-llama-sharded"]) func mappedWeights(name: String) throws {
    let model = try Model(path: Fixtures.model(name))
    let source = MappedLayerSource(model)
    let schedule = model.blueprint.groups
    for _ in 0..<2 {
      source.begin(schedule)
      for group in schedule {
        #expect(try LayerStreamingRanksTests.isStored(try source.weights(of: group), model))
      }
    }
    // What was not announced is served too: the files are there.
    #expect(try LayerStreamingRanksTests.isStored(try source.weights(of: .layer(1)), model))
  }

  /// A tied output matrix is the same memory as the embedding, also where a rank owns both.
  @Test func aTiedMatrixIsHeldOnce() throws {
    let model = try Model(path: Fixtures.model("tiny-llama-tied"))
    let source = try BroadcastLayerSource(model, communicator: SoloCommunicator())
    #expect(source.ownedBytes == model.folder.totalBytes)
  }
}
