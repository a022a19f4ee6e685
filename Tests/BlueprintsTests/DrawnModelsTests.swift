import Blueprints
import Foundation
import ModelTestSupport
import TestSupport
import Testing

/// BERT and T5 as blueprints: what their checkpoints hold is what the drawings ask for, shape for shape.
@Suite struct DrawnModelsTests {
  @Test func bertHasTheTensorsOfItsCheckpoint() throws {
    // The tied output matrix is the token embedding, which the file holds once.
    let blueprint = Blueprint.bert()
    #expect(shapes(of: blueprint, leavingOut: .headWeight) == (try shapes(inCheckpoint: "tiny-bert")))
    #expect(blueprint.groups == [.embedding, .layer(0), .layer(1), .layer(2), .head])
  }

  @Test func bertHeadIsTransformNormMatrixAndBias() {
    let parts = Blueprint.bert().tensors(of: .head).map(\.role.part)
    #expect(
      parts == [
        .transformWeight, .transformBias, .transformNormWeight, .transformNormBias, .headWeight, .headBias,
      ])
    let embedding = Blueprint.bert().tensors(of: .embedding).map(\.role.part)
    #expect(embedding == [.tokenEmbedding, .positionEmbedding, .tokenTypeEmbedding, .normWeight, .normBias])
  }

  @Test func t5HasTheTensorsOfItsCheckpoint() throws {
    let blueprint = Blueprint.t5()
    #expect(shapes(of: blueprint) == (try shapes(inCheckpoint: "tiny-t5-v1_1")))
    #expect(
      blueprint.groups
        == [.embedding, .layer(0), .layer(1), .encoderEnd, .layer(2), .layer(3), .layer(4), .head])
  }

  @Test func t5HoldsOneBiasTablePerStack() {
    let blueprint = Blueprint.t5()
    let tables = blueprint.groups.flatMap { blueprint.tensors(of: $0) }.filter {
      $0.role.part == .relativePositionBias
    }
    #expect(tables.map(\.role.group) == [.layer(0), .layer(2)])
    #expect(tables.allSatisfy { $0.shape == [16, 4] })
  }

  @Test(arguments: [Blueprint.bert(), .t5(), .grouped()]) func rolesAreUnique(blueprint: Blueprint) {
    let roles = blueprint.groups.flatMap { blueprint.tensors(of: $0) }.map(\.role)
    #expect(Set(roles).count == roles.count)
  }

  private func shapes(of blueprint: Blueprint, leavingOut tied: TensorPart? = nil) -> [[Int]: Int] {
    let tensors = blueprint.groups.flatMap { blueprint.tensors(of: $0) }.filter { $0.role.part != tied }
    return tensors.reduce(into: [:]) { $0[$1.shape, default: 0] += 1 }
  }

  /// A line per tensor: its name, and its dimensions with commas between.
  private func shapes(inCheckpoint name: String) throws -> [[Int]: Int] {
    let text = try String(contentsOfFile: Fixtures.path("shapes/\(name).txt"), encoding: .utf8)
    return text.split(separator: "\n").reduce(into: [:]) { counts, line in
      let dimensions = line.split(separator: " ")[1].split(separator: ",").compactMap { Int($0) }
      counts[dimensions, default: 0] += 1
    }
  }
}
