public import Tensors

/// What every backend in host memory shares: its memory operations, and typed access to matrices.
public protocol HostBackend: ComputeBackend {
  /// Where its buffers come from.
  var pool: HostMemoryPool { get }
}

extension HostBackend {
  public func makeMatrix(_ rows: Int, _ columns: Int, isZeroed: Bool) throws(ComputeError) -> Matrix {
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    guard !overflow, count < Int.max / 8 else { throw ComputeError("a matrix [\(rows), \(columns)] is too large") }
    return Matrix(buffer: try pool.makeBuffer(count: count, isZeroed: isZeroed), rows: rows, columns: columns)
  }

  public func copy(_ x: Matrix) throws(ComputeError) -> Matrix {
    let copy = try makeMatrix(x.rows, x.columns, isZeroed: false)
    for i in 0..<x.rows { unsafe copy.row(i).update(from: x.row(i), count: x.columns) }
    return copy
  }

  public func load(_ tensor: StoredTensor, rows: Range<Int>, into matrix: Matrix) throws(StorageError) {
    precondition(matrix.isDense, "load writes dense matrices")
    var span = unsafe MutableSpan(_unsafeStart: matrix.pointer, count: matrix.count)
    try tensor.convert(rows: rows, to: &span)
  }

  public func write(_ values: Span<Float>, into matrix: Matrix) {
    precondition(values.count == matrix.count, "\(values.count) numbers for [\(matrix.rows), \(matrix.columns)]")
    unsafe values.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      for i in 0..<matrix.rows {
        unsafe matrix.row(i).update(from: base + i * matrix.columns, count: matrix.columns)
      }
    }
  }

  public func read(_ matrix: Matrix, into values: inout MutableSpan<Float>) {
    precondition(values.count == matrix.count, "\(values.count) numbers from [\(matrix.rows), \(matrix.columns)]")
    unsafe values.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      for i in 0..<matrix.rows {
        unsafe (base + i * matrix.columns).update(from: matrix.row(i), count: matrix.columns)
      }
    }
  }

  public func update(_ matrix: Matrix, _ body: (inout MutableSpan<Float>) throws -> Void) throws {
    precondition(matrix.isDense, "update changes dense matrices")
    var span = unsafe MutableSpan(_unsafeStart: matrix.pointer, count: matrix.count)
    try body(&span)
  }

  public func isFinite(_ x: Matrix) -> Bool {
    (0..<x.rows).allSatisfy { i in
      let row = unsafe x.row(i)
      return (0..<x.columns).allSatisfy { j in unsafe row[j].isFinite }
    }
  }

  public func releaseUnusedMemory() { pool.trim() }

  public func takePeakBytes() -> Int { pool.takePeak() }

  public func fill(_ matrix: Matrix, with value: Float) {
    for i in 0..<matrix.rows { unsafe matrix.row(i).update(repeating: value, count: matrix.columns) }
  }
}

extension Matrix {
  /// The first element. Traps for a buffer that is not in host memory: matrices do not travel between backends.
  @unsafe public var pointer: UnsafeMutablePointer<Float> {
    guard let host = buffer as? HostBuffer else { preconditionFailure("a matrix of another backend") }
    return unsafe host.pointer + offset
  }

  /// The first element of row `index`.
  @unsafe public func row(_ index: Int) -> UnsafeMutablePointer<Float> { unsafe pointer + index * stride }
}
