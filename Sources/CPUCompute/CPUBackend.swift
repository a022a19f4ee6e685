internal import CKernels
internal import COpenBLAS
public import Compute

/// The CPU's backend: products in OpenBLAS (float32) or, with weights, oneDNN (bf16), vector loops in CKernels, attention
/// in tiles; all of them on its threads.
public final class CPUBackend: HostBackend {
  public let pool = HostMemoryPool()
  /// How many threads a product or a loop uses.
  public let threads: Int
  let parallel: Parallel
  /// nil when products are float32.
  let bfloat16: BFloat16Arithmetic?

  /// A backend whose products and loops use `threads` threads; for products setting it is process-wide, as OpenBLAS's own
  /// setting is.
  ///
  /// - Parameter usesBFloat16: whether products with bf16 weights, and the gradients of weights, multiply bf16 numbers:
  ///   their other factor is rounded. Where ``supportsBFloat16`` is false all products are float32.
  public init(threads: Int, usesBFloat16: Bool = false) {
    self.threads = max(1, threads)
    parallel = Parallel(threads: self.threads)
    openblas_set_num_threads(Int32(self.threads))
    bfloat16 =
      usesBFloat16
      ? BFloat16Products(parallel: parallel, pool: pool).map { BFloat16Arithmetic(products: $0) } : nil
  }

  /// Threads that OpenBLAS has by now, the calling one among them.
  public static var productThreads: Int { max(1, Int(openblas_get_num_threads())) }

  /// Address space that OpenBLAS takes for each of its threads, for packed parts of matrices (BUFFER_SIZE in 0.3's
  /// common_x86_64.h). It asks again without end when it does not get it.
  public static let bytesPerThread = 128 << 20

  public var name: String {
    let kernels = unsafe openblas_get_corename().map { unsafe String(cString: $0) } ?? "generic"
    guard bfloat16 == nil else { return "cpu (oneDNN \(BFloat16Products.version) bf16, OpenBLAS \(kernels) float32)" }
    return "cpu (OpenBLAS \(kernels), float32)"
  }

  public func fill(_ matrix: Matrix, with value: Float) {
    parallel.rows(matrix.rows, cost: matrix.columns) { i in
      unsafe matrix.row(i).update(repeating: value, count: matrix.columns)
    }
  }

  public func isFinite(_ x: Matrix) -> Bool {
    (0..<x.rows).allSatisfy { i in unsafe ck_first_not_finite_float32(x.row(i), x.columns) == x.columns }
  }

  public func add(_ x: Matrix, to y: Matrix, scale: Float) {
    requireSameShape(x, y)
    parallel.rows(x.rows, cost: x.columns) { i in unsafe ck_add_scaled(y.row(i), x.row(i), scale, x.columns) }
  }

  public func multiply(
    _ a: Matrix, _ aTransposition: Transposition, _ b: Matrix, _ bTransposition: Transposition, into c: Matrix,
    adding: Bool
  ) {
    let product = ProductShape(a, aTransposition, b, bTransposition, into: c)
    guard product.m > 0, product.n > 0 else { return }
    guard product.k > 0 else {
      if !adding { fill(c, with: 0) }
      return
    }
    if multiplyByWeight(a, aTransposition, b, bTransposition, into: c, product: product, adding: adding) { return }
    precondition([product.m, product.n, product.k, a.stride, b.stride, c.stride].allSatisfy { $0 <= Int32.max })
    unsafe cblas_sgemm(
      CblasRowMajor, aTransposition == .none ? CblasNoTrans : CblasTrans,
      bTransposition == .none ? CblasNoTrans : CblasTrans, Int32(product.m), Int32(product.n), Int32(product.k), 1,
      a.pointer, Int32(max(1, a.stride)), b.pointer, Int32(max(1, b.stride)), adding ? 1 : 0, c.pointer,
      Int32(max(1, c.stride)))
  }

  public func addBias(_ bias: Matrix, to x: Matrix) {
    precondition(bias.count == x.columns, "a bias of another width")
    parallel.rows(x.rows, cost: x.columns) { i in unsafe ck_add_scaled(x.row(i), bias.pointer, 1, x.columns) }
  }

  public func addColumnSums(of x: Matrix, to sums: Matrix) {
    precondition(sums.count == x.columns, "sums of another width")
    parallel.columns(x.columns, cost: x.rows) { part in
      unsafe ck_add_column_sums(
        sums.pointer + part.lowerBound, x.pointer + part.lowerBound, x.rows, part.count, x.stride)
    }
  }

  public func rotate(_ x: Matrix, layout: SequenceLayout, table: RotaryTable, inverse: Bool) {
    requireRotaryShapes(x, layout: layout, table: table)
    unsafe table.cosines.withUnsafeBufferPointer { cosines in
      unsafe table.sines.withUnsafeBufferPointer { sines in
        guard let cosine = cosines.baseAddress, let sine = sines.baseAddress else { return }
        parallel.ranges(x.rows, cost: x.columns) { part in
          for sequence in (0..<layout.count).map({ layout.rows(of: $0) }) {
            for token in sequence.clamped(to: part) {
              let angle = (token - sequence.lowerBound) * table.half
              for head in stride(from: 0, to: x.columns, by: 2 * table.half) {
                unsafe ck_rotate(x.row(token) + head, cosine + angle, sine + angle, inverse ? -1 : 1, table.half)
              }
            }
          }
        }
      }
    }
  }

  public func swiGLU(gate: Matrix, up: Matrix, into y: Matrix) {
    requireSameShape(gate, y)
    requireSameShape(up, y)
    parallel.rows(y.rows, cost: y.columns) { i in unsafe ck_swiglu(y.row(i), gate.row(i), up.row(i), y.columns) }
  }

  public func swiGLUBackward(_ dy: Matrix, gate: Matrix, up: Matrix, dGate: Matrix, dUp: Matrix) {
    for x in [up, dGate, dUp, dy] { requireSameShape(x, gate) }
    parallel.rows(dy.rows, cost: dy.columns) { i in
      unsafe ck_swiglu_backward(dGate.row(i), dUp.row(i), dy.row(i), gate.row(i), up.row(i), dy.columns)
    }
  }
}
