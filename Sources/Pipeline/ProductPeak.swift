internal import Compute
internal import Tensors

/// How fast the backend multiplies at best: what kernels' and passes' speeds are shares of.
struct ProductPeak {
  /// Floating-point operations per second of one rank, while all ranks multiply.
  let rate: Double
  /// Rows, columns and inner length of the product that reached it.
  let shape: [Int]

  /// `[m, n, k]` from small to large; the last two are rectangles as models have them.
  private static let shapes = [
    [512, 512, 512], [1024, 1024, 1024], [2048, 2048, 2048], [512, 4096, 2048], [1024, 2048, 4096],
  ]
  /// A backend that takes longer for a product is not asked for a larger one.
  private static let patience = 1.0

  /// The largest rate of several shapes, read plainly and with the second factor transposed. Collective.
  ///
  /// - Parameter weights: the type that the second factor is stored in, which decides how the backend multiplies it.
  init(_ backend: any ComputeBackend, weights: ElementType, timer: KernelTimer) throws {
    var best = (rate: 0.0, shape: Self.shapes[0])
    search: for shape in Self.shapes {
      let (m, n, k) = (shape[0], shape[1], shape[2])
      let (a, c) = (try backend.makeNoise(m, k), try backend.makeMatrix(m, n))
      let b = try backend.makeNoiseWeight(k, n, weights)
      let transposed = Matrix(buffer: b.buffer, rows: n, columns: k)
      for (factor, transposition) in [(b, Transposition.none), (transposed, .transposed)] {
        let seconds = try timer.seconds {
          backend.multiply(a, .none, factor, transposition, into: c, adding: false)
        }
        let rate = 2 * Double(m) * Double(n) * Double(k) / seconds
        if rate > best.rate { best = (rate, shape) }
        if seconds > Self.patience { break search }
      }
    }
    (rate, self.shape) = best
    backend.releaseUnusedMemory()
  }
}
