import Compute
import TestSupport
import Tensors
import Testing

/// Operands of a wrong shape: a programmer's error that would read or write beyond a buffer.
enum Misuse: String, CaseIterable, Codable, Sendable {
  case productOfOtherSize, sumOfOtherSize, biasOfOtherWidth, columnSumsOfOtherWidth, writeOfOtherCount
  case normWeight, normInverseRMS, normBackwardInput, normBackwardWeight, normBackwardWeightGradient
  case layerNormBias, layerNormMean, layerNormBackwardInput, layerNormBackwardDeviation, layerNormBackwardBiasGradient
  case rotationOfOtherTokens, rotationBeyondTable, rotationOfOtherHeads
  case attentionQuery, attentionKey, attentionLogSumExp, attentionBackwardLogSumExp, attentionBackwardGradient
  case stepQuery, stepValue, stepOutput, stepWithoutKeys, stepBeyondKeys, stepBeforeKeys, stepOfOtherCount
  case windowOfNothing, windowWithoutCausalMask
  case swiGLUUp, swiGLUBackwardUp, swiGLUBackwardGradient
  case geluOutput, geluBackwardInput, geluBackwardGradient
  case unitFactors, saliencyUnits, saliencyGradient
  case crossEntropyTargets, crossEntropyLogarithms, negativeRow, rowBeyond, tooManyRows

  /// Does the wrong thing; never returns from it where shapes are checked.
  func commit(on backend: any ComputeBackend) throws {
    func m(_ rows: Int, _ columns: Int) throws -> Matrix { try backend.makeMatrix(rows, columns) }
    let layout = SequenceLayout(lengths: [3, 2])
    switch self {
    case .productOfOtherSize:
      backend.multiply(try m(5, 4), .none, try m(5, 4), .none, into: try m(5, 4), adding: false)
    case .sumOfOtherSize: backend.add(try m(5, 4), to: try m(4, 5), scale: 1)
    case .biasOfOtherWidth: backend.addBias(try m(1, 3), to: try m(5, 4))
    case .columnSumsOfOtherWidth: backend.addColumnSums(of: try m(5, 4), to: try m(1, 3))
    case .writeOfOtherCount: backend.write([1, 2, 3].span, into: try m(5, 4))

    case .normWeight, .normInverseRMS:
      backend.rmsNorm(
        try m(5, 4), weight: try m(1, self == .normWeight ? 3 : 4), epsilon: 1, into: try m(5, 4),
        inverseRMS: try m(self == .normInverseRMS ? 4 : 5, 1))
    case .normBackwardInput, .normBackwardWeight, .normBackwardWeightGradient:
      backend.rmsNormBackward(
        try m(5, 4), x: try m(5, 4), weight: try m(1, self == .normBackwardWeight ? 3 : 4), inverseRMS: try m(5, 1),
        addingTo: try m(self == .normBackwardInput ? 4 : 5, 4),
        weightGradient: try m(1, self == .normBackwardWeightGradient ? 3 : 4))

    case .layerNormBias, .layerNormMean:
      backend.layerNorm(
        try m(5, 4), weight: try m(1, 4), bias: try m(1, self == .layerNormBias ? 3 : 4), epsilon: 1, into: try m(5, 4),
        mean: try m(self == .layerNormMean ? 4 : 5, 1), inverseDeviation: try m(5, 1))
    case .layerNormBackwardInput, .layerNormBackwardDeviation, .layerNormBackwardBiasGradient:
      backend.layerNormBackward(
        try m(5, 4), x: try m(5, 4), weight: try m(1, 4), mean: try m(5, 1),
        inverseDeviation: try m(self == .layerNormBackwardDeviation ? 4 : 5, 1),
        addingTo: try m(self == .layerNormBackwardInput ? 4 : 5, 4), weightGradient: nil,
        biasGradient: try m(1, self == .layerNormBackwardBiasGradient ? 3 : 4))

    case .rotationOfOtherTokens, .rotationBeyondTable, .rotationOfOtherHeads:
      backend.rotate(
        try m(self == .rotationOfOtherTokens ? 4 : 5, self == .rotationOfOtherHeads ? 6 : 8), layout: layout,
        table: RotaryTests.rotaryTable(positions: self == .rotationBeyondTable ? 2 : 3, half: 2), inverse: false)

    case .attentionQuery, .attentionKey, .attentionLogSumExp:
      try backend.attention(
        query: try m(5, self == .attentionQuery ? 7 : 8), key: try m(self == .attentionKey ? 4 : 5, 4),
        value: try m(5, 4), layout: layout, geometry: Self.geometry, into: try m(5, 8),
        logSumExp: try m(5, self == .attentionLogSumExp ? 1 : 2))
    case .attentionBackwardLogSumExp, .attentionBackwardGradient:
      try backend.attentionBackward(
        try m(5, 8), query: try m(5, 8), key: try m(5, 4), value: try m(5, 4), output: try m(5, 8),
        logSumExp: try m(self == .attentionBackwardLogSumExp ? 4 : 5, 2), layout: layout, geometry: Self.geometry,
        dQuery: try m(5, 8), dKey: try m(self == .attentionBackwardGradient ? 4 : 5, 4), dValue: try m(5, 4))

    case .stepQuery, .stepValue, .stepOutput, .stepWithoutKeys, .stepBeyondKeys, .stepBeforeKeys, .stepOfOtherCount:
      var rows = [0..<3, 3..<5]
      switch self {
      case .stepWithoutKeys: rows[1] = 5..<5
      case .stepBeyondKeys: rows[1] = 3..<6
      case .stepBeforeKeys: rows[0] = -1..<3
      case .stepOfOtherCount: rows.removeLast()
      default: break
      }
      try backend.attentionStep(
        query: try m(2, self == .stepQuery ? 7 : 8), keys: try m(5, 4), values: try m(5, self == .stepValue ? 8 : 4),
        rows: rows, geometry: Self.geometry, into: try m(self == .stepOutput ? 3 : 2, 8))

    case .windowOfNothing, .windowWithoutCausalMask:
      let isCausal = self == .windowOfNothing
      let geometry = AttentionGeometry(
        queryHeads: 2, keyValueHeads: 1, headWidth: 4, scale: 1, isCausal: isCausal, slidingWindow: isCausal ? 0 : 2)
      #expect(geometry.slidingWindow == nil)

    case .swiGLUUp: backend.swiGLU(gate: try m(5, 4), up: try m(4, 4), into: try m(5, 4))
    case .swiGLUBackwardUp, .swiGLUBackwardGradient:
      let rows = self == .swiGLUBackwardUp ? 4 : 5
      backend.swiGLUBackward(
        try m(5, 4), gate: try m(5, 4), up: try m(rows, 4), dGate: try m(self == .swiGLUBackwardUp ? 5 : 4, 4),
        dUp: try m(rows, 4))

    case .geluOutput: backend.gelu(try m(5, 4), approximation: .none, into: try m(4, 4))
    case .geluBackwardInput, .geluBackwardGradient:
      backend.geluBackward(
        try m(5, 4), x: try m(self == .geluBackwardInput ? 4 : 5, 4), approximation: .tanh,
        into: try m(self == .geluBackwardGradient ? 4 : 5, 4))

    case .unitFactors: backend.scaleUnits(try m(5, 4), by: try m(1, 3), width: 2)
    case .saliencyUnits, .saliencyGradient:
      var scores = [Double](repeating: 0, count: self == .saliencyUnits ? 3 : 2)
      backend.addSaliency(
        weight: try m(5, 4), gradient: try m(self == .saliencyGradient ? 4 : 5, 4), axis: .columns, width: 2,
        to: &scores)

    case .crossEntropyTargets:
      var state = CrossEntropyState(tokens: 5)
      backend.accumulateCrossEntropy(logits: try m(5, 4), firstColumn: 0, targets: [0, 0, 0, 0], state: &state)
    case .crossEntropyLogarithms:
      backend.crossEntropyGradient(
        logits: try m(5, 4), firstColumn: 0, targets: [0, 0, 0, 0, 0], logSumExp: [0, 0, 0, 0], scale: 1)
    case .negativeRow:
      backend.addRows(of: try m(5, 4), at: [0, -1], to: try m(5, 4), scale: 1, direction: .gather)
    case .rowBeyond: backend.addRows(of: try m(5, 4), at: [0, 5], to: try m(5, 4), scale: 1, direction: .scatter)
    case .tooManyRows: backend.addRows(of: try m(5, 4), at: [0, 1, 2], to: try m(2, 4), scale: 1, direction: .gather)
    }
  }

  private static let geometry = AttentionGeometry(
    queryHeads: 2, keyValueHeads: 1, headWidth: 4, scale: 1, isCausal: true)
}

/// Every backend checks shapes: a wrong one ends the process before memory is read or written that is not the matrix's.
@Suite struct MisuseTests {
  @Test(arguments: TestedBackend.allCases, Misuse.allCases)
  func wrongShapesTrap(_ tested: TestedBackend, misuse: Misuse) async {
    await #expect(processExitsWith: .failure) { [backend = tested.rawValue as String, misuse = misuse as Misuse] in
      try TestedBackend(rawValue: backend)?.make().commitMisuse(misuse)
    }
  }
}

extension ComputeBackend {
  fileprivate func commitMisuse(_ misuse: Misuse) throws { try misuse.commit(on: self) }
}
