import Compute
import Glibc

/// What the operations compute, written down once more in double precision, from the definitions: no tiles, no running
/// maxima, no saved factors. Only forward: gradients come from central differences of these.
enum Formula {
  static func product(_ a: Table, _ aTransposition: Transposition, _ b: Table, _ bTransposition: Transposition) -> Table
  {
    let left = aTransposition == .none ? a : a.transposed
    let right = bTransposition == .none ? b : b.transposed
    var result = Table(left.rows, right.columns)
    for i in 0..<left.rows {
      for p in 0..<left.columns {
        let factor = left.values[i * left.columns + p]
        for j in 0..<right.columns {
          result.values[i * right.columns + j] += factor * right.values[p * right.columns + j]
        }
      }
    }
    return result
  }

  static func inverseRMS(_ x: Table, epsilon: Double) -> Table {
    Table(x.rows, 1) { i, _ in
      1 / (x.row(i).reduce(0) { $0 + $1 * $1 } / Double(x.columns) + epsilon).squareRoot()
    }
  }

  static func rmsNorm(_ x: Table, weight: Table, epsilon: Double) -> Table {
    let inverse = inverseRMS(x, epsilon: epsilon)
    return Table(x.rows, x.columns) { i, j in x[i, j] * inverse[i, 0] * weight[0, j] }
  }

  static func layerNorm(_ x: Table, weight: Table, bias: Table?, epsilon: Double) -> Table {
    let (means, inverse) = (mean(x), inverseDeviation(x, epsilon: epsilon))
    return Table(x.rows, x.columns) { i, j in
      (x[i, j] - means[i, 0]) * inverse[i, 0] * weight[0, j] + (bias?[0, j] ?? 0)
    }
  }

  static func mean(_ x: Table) -> Table {
    Table(x.rows, 1) { i, _ in x.row(i).reduce(0, +) / Double(x.columns) }
  }

  static func inverseDeviation(_ x: Table, epsilon: Double) -> Table {
    let means = mean(x)
    return inverseRMS(Table(x.rows, x.columns) { x[$0, $1] - means[$0, 0] }, epsilon: epsilon)
  }

  /// The angle of pair `pair` of a head of `half` pairs, with base 100 so that few positions turn all the way round.
  static func angle(position: Int, pair: Int, half: Int) -> Double {
    Double(position) * pow(100, -Double(pair) / Double(half))
  }

  /// Every pair (i, i + half) of every head, as a complex number, times `amplitude` · e^(i · angle).
  static func rotate(_ x: Table, layout: SequenceLayout, half: Int, amplitude: Double = 1) -> Table {
    var result = x
    for sequence in 0..<layout.count {
      for (position, token) in layout.rows(of: sequence).enumerated() {
        for column in 0..<x.columns where column % (2 * half) < half {
          let (real, imaginary) = (x[token, column], x[token, column + half])
          let angle = angle(position: position, pair: column % (2 * half), half: half)
          result[token, column] = amplitude * (real * cos(angle) - imaginary * sin(angle))
          result[token, column + half] = amplitude * (real * sin(angle) + imaginary * cos(angle))
        }
      }
    }
    return result
  }

  static func logSumExp(_ values: [Double]) -> Double {
    let maximum = values.max() ?? -.infinity
    return maximum + log(values.reduce(0) { $0 + exp($1 - maximum) })
  }

  static func attention(
    _ q: Table, _ k: Table, _ v: Table, layout: SequenceLayout, geometry: AttentionGeometry
  ) -> (output: Table, logSumExp: Table) {
    let width = geometry.headWidth
    var output = Table(q.rows, q.columns)
    var logarithms = Table(q.rows, geometry.queryHeads)
    for sequence in 0..<layout.count {
      let tokens = layout.rows(of: sequence)
      for head in 0..<geometry.queryHeads {
        let keyHead = head / (geometry.queryHeads / geometry.keyValueHeads)
        for i in tokens {
          let seen = tokens.filter { j in
            (!geometry.isCausal || j <= i) && (geometry.slidingWindow.map { j > i - $0 } ?? true)
          }
          let scores = seen.map { j in
            (0..<width).reduce(0) { $0 + q[i, head * width + $1] * k[j, keyHead * width + $1] } * Double(geometry.scale)
          }
          logarithms[i, head] = logSumExp(scores)
          for (j, score) in zip(seen, scores) {
            let probability = exp(score - logarithms[i, head])
            for c in 0..<width { output[i, head * width + c] += probability * v[j, keyHead * width + c] }
          }
        }
      }
    }
    return (output, logarithms)
  }

  static func sigmoid(_ z: Double) -> Double { z < 0 ? exp(z) / (1 + exp(z)) : 1 / (1 + exp(-z)) }

  static func swiGLU(gate: Table, up: Table) -> Table {
    Table(gate.rows, gate.columns) { i, j in gate[i, j] * sigmoid(gate[i, j]) * up[i, j] }
  }

  static func gelu(_ x: Table, approximation: GELUApproximation) -> Table {
    Table(x.rows, x.columns) { i, j in
      let z = x[i, j]
      return switch approximation {
      case .none: 0.5 * z * (1 + erf(z / 2.squareRoot()))
      case .tanh: 0.5 * z * (1 + tanh((2 / Double.pi).squareRoot() * (z + 0.044715 * z * z * z)))
      }
    }
  }

  /// `scale` · Σ of −log softmax of each row's target; rows with target −1 count nothing.
  static func crossEntropy(_ logits: Table, targets: [Int32], scale: Double) -> Double {
    (0..<logits.rows).filter { targets[$0] >= 0 }.reduce(0) { sum, i in
      sum + scale * (logSumExp(logits.row(i)) - logits[i, Int(targets[i])])
    }
  }

  /// The mean over columns of the largest logit, with logits = x · weightᵀ.
  static func maximumLogit(_ x: Table, weight: Table) -> Double {
    let logits = product(x, .none, weight, .transposed).transposed
    return (0..<logits.rows).reduce(0) { $0 + (logits.row($1).max() ?? 0) } / Double(logits.rows)
  }
}
