import Calibration
import Foundation
import Testing
import Tokenizers

/// The order in which training takes sequences, and what is held out of it.
@Suite struct TrainingSequencesTests {
  func numbered(_ count: Int, seed: UInt64 = 3) throws -> TrainingSequences {
    try TrainingSequences((0..<count).map { try TrainingSequence(ids: [Int32($0), 1]) }, seed: seed)
  }

  /// Every epoch has each sequence once, in an order of its own.
  @Test(arguments: [1, 2, 7, 10, 25]) func epochs(batch: Int) throws {
    let sequences = try numbered(10)
    let taken = (0..<20).flatMap { sequences.step($0, batch: batch) }
    #expect(taken.count == 20 * batch)
    let epochs = stride(from: 0, to: taken.count - taken.count % 10, by: 10).map { Array(taken[$0..<$0 + 10]) }
    #expect(epochs.allSatisfy { $0.sorted() == Array(0..<10) })
    #expect(Set(epochs).count == epochs.count)
    // However a step is cut, the order is the same.
    #expect(taken == (0..<20 * batch).flatMap { sequences.step($0, batch: 1) })
  }

  /// A step asked for alone, as after a resume, is the step of a whole run; far ones too.
  @Test func anyStepAlone() throws {
    let steps = (0..<50).map { step in (try? numbered(13).step(step, batch: 4)) ?? [] }
    for step in [49, 0, 17, 3] { #expect(try numbered(13).step(step, batch: 4) == steps[step]) }
    let far = try numbered(13).step(Int(Int32.max), batch: 1000)
    #expect(far.count == 1000 && Set(far) == Set(0..<13))
  }

  @Test func seedsGiveOtherOrders() throws {
    let orders = try (0..<20).map { try numbered(10, seed: $0).step(0, batch: 10) }
    #expect(Set(orders).count == 20)
    // Nor is an epoch of one seed an epoch of the next.
    let epochs = try (0..<20).map { try numbered(10, seed: 7).step($0, batch: 10) }
    #expect(Set(epochs).union(orders).count == 39, "one is common: seed 7, epoch 0")
  }

  @Test(arguments: [0, 1, 4, 9]) func split(heldOut: Int) throws {
    let (training, validation) = try numbered(10).split(heldOut: heldOut)
    #expect(validation.count == heldOut && training.sequences.count == 10 - heldOut)
    let ids = (training.sequences + validation).map { $0.ids[0] }
    #expect(ids.sorted() == (0..<10).map { Int32($0) })
    let (again, validationAgain) = try numbered(10).split(heldOut: heldOut)
    #expect(again == training && validationAgain == validation)
    if heldOut == 4 { #expect(try numbered(10, seed: 4).split(heldOut: 4).heldOut != validation) }
  }

  @Test(arguments: [10, 11, -1, Int.max]) func splitRefused(heldOut: Int) throws {
    let sequences = try numbered(10)
    let error = #expect(throws: CalibrationError.self) { try sequences.split(heldOut: heldOut) }
    #expect(error?.code == .tooFewTokens && error?.message.contains("none of 10 to train on") == true)
  }

  @Test func sequencesThatAreNone() throws {
    for (ids, scoredFrom) in [([], 1), ([1], 1), ([1, 2], 2), ([1, 2], 0), ([1, 2], -1), ([1, -2], 1)]
      as [([Int32], Int)]
    {
      let error = #expect(throws: CalibrationError.self) { try TrainingSequence(ids: ids, scoredFrom: scoredFrom) }
      #expect(error?.code == .invalidIDs)
    }
    #expect(try TrainingSequence(ids: [1, 2, 3], scoredFrom: 2).targets == 1)
    #expect(throws: CalibrationError.self) { try TrainingSequences([], seed: 0) }
    let error = #expect(throws: CalibrationError.self) { try numbered(3).checked(vocabularySize: 2) }
    #expect(error?.code == .invalidIDs && error?.message.contains("token 2,") == true)
    #expect(try numbered(3).checked(vocabularySize: 3).sequences.count == 3)
  }
}
