internal import Glibc

/// The oracle: every operation as its formula says, in plain loops, with sums in double precision.
///
/// Slow on purpose; it has no dependency and nothing clever in it. Chosen by `resources.backend: reference`.
public final class ReferenceBackend: HostBackend {
  public let pool = HostMemoryPool()
  public let name = "reference"

  public init() {}

  public func add(_ x: Matrix, to y: Matrix, scale: Float) {
    requireSameShape(x, y)
    for i in 0..<x.rows {
      let source = unsafe x.row(i)
      let target = unsafe y.row(i)
      for j in 0..<x.columns { unsafe target[j] += scale * source[j] }
    }
  }

  public func multiply(
    _ a: Matrix, _ aTransposition: Transposition, _ b: Matrix, _ bTransposition: Transposition, into c: Matrix,
    adding: Bool
  ) {
    let product = ProductShape(a, aTransposition, b, bTransposition, into: c)
    var sums = [Double](repeating: 0, count: product.n)
    for i in 0..<product.m {
      for j in 0..<product.n { sums[j] = 0 }
      for p in 0..<product.k {
        let left = unsafe Double(aTransposition == .none ? a.row(i)[p] : a.row(p)[i])
        if bTransposition == .none {
          let row = unsafe b.row(p)
          for j in 0..<product.n { unsafe sums[j] += left * Double(row[j]) }
        } else {
          let column = unsafe b.pointer + p
          for j in 0..<product.n { unsafe sums[j] += left * Double(column[j * b.stride]) }
        }
      }
      let row = unsafe c.row(i)
      for j in 0..<product.n { unsafe row[j] = Float(sums[j]) + (adding ? row[j] : 0) }
    }
  }

  public func addBias(_ bias: Matrix, to x: Matrix) {
    precondition(bias.count == x.columns, "a bias of another width")
    for i in 0..<x.rows { add(bias, to: x.rows(i..<i + 1), scale: 1) }
  }

  public func addColumnSums(of x: Matrix, to sums: Matrix) {
    precondition(sums.count == x.columns, "sums of another width")
    for i in 0..<x.rows { add(x.rows(i..<i + 1), to: sums, scale: 1) }
  }

  public func rotate(_ x: Matrix, layout: SequenceLayout, table: RotaryTable, inverse: Bool) {
    requireRotaryShapes(x, layout: layout, table: table)
    for sequence in 0..<layout.count {
      for (position, token) in layout.rows(of: sequence).enumerated() {
        for head in stride(from: 0, to: x.columns, by: 2 * table.half) {
          let values = unsafe x.row(token) + head
          for i in 0..<table.half {
            let cosine = table.cosines[position * table.half + i]
            let sine = table.sines[position * table.half + i] * (inverse ? -1 : 1)
            let (a, b) = unsafe (values[i], values[i + table.half])
            unsafe values[i] = a * cosine - b * sine
            unsafe values[i + table.half] = b * cosine + a * sine
          }
        }
      }
    }
  }

  public func swiGLU(gate: Matrix, up: Matrix, into y: Matrix) {
    requireSameShape(gate, y)
    requireSameShape(up, y)
    for i in 0..<y.rows {
      for j in 0..<y.columns {
        let z = unsafe gate.row(i)[j]
        unsafe y.row(i)[j] = z / (1 + exp(-z)) * up.row(i)[j]
      }
    }
  }

  public func swiGLUBackward(_ dy: Matrix, gate: Matrix, up: Matrix, dGate: Matrix, dUp: Matrix) {
    for x in [up, dGate, dUp, dy] { requireSameShape(x, gate) }
    for i in 0..<dy.rows {
      for j in 0..<dy.columns {
        let z = unsafe gate.row(i)[j]
        let sigmoid = 1 / (1 + exp(-z))
        let d = unsafe dy.row(i)[j]
        unsafe dUp.row(i)[j] = d * z * sigmoid
        unsafe dGate.row(i)[j] = d * up.row(i)[j] * sigmoid * (1 + z * (1 - sigmoid))
      }
    }
  }
}

/// The sizes of a product `[m, k] · [k, n]`, checked.
public struct ProductShape {
  public let m: Int
  public let n: Int
  public let k: Int

  public init(
    _ a: Matrix, _ aTransposition: Transposition, _ b: Matrix, _ bTransposition: Transposition, into c: Matrix
  ) {
    (m, k) = aTransposition == .none ? (a.rows, a.columns) : (a.columns, a.rows)
    let (bRows, bColumns) = bTransposition == .none ? (b.rows, b.columns) : (b.columns, b.rows)
    n = bColumns
    precondition(
      bRows == k && c.rows == m && c.columns == n,
      "a product [\(m), \(k)] · [\(bRows), \(n)] into [\(c.rows), \(c.columns)]")
  }
}

/// Traps unless both matrices have the same rows and columns.
public func requireSameShape(_ x: Matrix, _ y: Matrix) {
  precondition(
    x.rows == y.rows && x.columns == y.columns,
    "shapes [\(x.rows), \(x.columns)] and [\(y.rows), \(y.columns)] differ")
}
