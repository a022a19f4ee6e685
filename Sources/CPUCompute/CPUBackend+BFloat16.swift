internal import CKernels
public import Compute
public import Tensors

extension CPUBackend {
  /// Whether this machine's processor multiplies bf16 numbers.
  public static var supportsBFloat16: Bool { BFloat16Products.isSupported }

  public func makeWeight(_ tensor: StoredTensor, rows: Range<Int>) throws -> Matrix {
    let width = tensor.shape.dimensions.dropFirst().reduce(1, *)
    if bfloat16 != nil, tensor.shape.dimensions.count == 2, let buffer = BFloat16Weight(tensor) {
      return Matrix(buffer: buffer, offset: rows.lowerBound * width, rows: rows.count, columns: width)
    }
    let matrix = try makeMatrix(rows.count, width)
    try load(tensor, rows: rows, into: matrix)
    return matrix
  }

  public func addWeightGradient(_ dy: Matrix, x: Matrix, to gradient: Matrix) {
    let product = ProductShape(dy, .transposed, x, .none, into: gradient)
    guard let bfloat16, product.m > 0, product.n > 0, product.k > 0 else {
      return multiply(dy, .transposed, x, .none, into: gradient, adding: true)
    }
    unsafe bfloat16.products.multiply(
      bfloat16.first.round(dy, isTransposed: true, on: self),
      bfloat16.second.round(x, isTransposed: false, on: self),
      m: product.m, n: product.n, k: product.k, into: gradient.pointer, stride: gradient.stride, adding: true)
  }

  /// The product with a bf16 weight as second factor; false when `b` is none.
  func multiplyByWeight(
    _ a: Matrix, _ aTransposition: Transposition, _ b: Matrix, _ bTransposition: Transposition, into c: Matrix,
    product: ProductShape, adding: Bool
  ) -> Bool {
    guard let weight = unsafe b.bfloat16Row() else { return false }
    guard let bfloat16 else { preconditionFailure("a bf16 weight of another backend") }
    unsafe bfloat16.products.multiply(
      bfloat16.first.round(a, isTransposed: aTransposition == .transposed, on: self),
      BFloat16Products.Factor(weight, stride: b.stride, isTransposed: bTransposition == .transposed),
      m: product.m, n: product.n, k: product.k, into: c.pointer, stride: c.stride, adding: adding)
    return true
  }
}

/// What a backend needs to multiply bf16 numbers: oneDNN, and room for activations rounded to bf16.
struct BFloat16Arithmetic {
  let products: BFloat16Products
  /// For a product's first factor, and for its second when that is no weight.
  let first = RoundedFactor()
  let second = RoundedFactor()
}

/// Room for one factor of a product, rounded to bf16: it is used again for the next product.
final class RoundedFactor {
  private let room = GrowingBuffer()

  /// Rounds a float32 matrix, ties to even.
  @unsafe func round(_ x: Matrix, isTransposed: Bool, on backend: CPUBackend) -> BFloat16Products.Factor {
    room.reserve(x.count * 2, from: backend.pool)
    guard let start = unsafe room.start else { preconditionFailure("no room for a factor") }
    let numbers = unsafe start.assumingMemoryBound(to: UInt16.self)
    backend.parallel.rows(x.rows, cost: x.columns) { i in
      unsafe ck_round_bfloat16(numbers + i * x.columns, x.row(i), x.columns)
    }
    return unsafe BFloat16Products.Factor(UnsafeRawPointer(numbers), stride: x.columns, isTransposed: isTransposed)
  }
}
