/// Memory for float32 numbers that one backend owns; what is behind it (host memory, a device's) is the backend's affair.
public protocol DeviceBuffer: AnyObject {
  /// How many float32 numbers it holds.
  var count: Int { get }
}

/// A row-major float32 matrix `[rows, columns]`, or a view of one, in a buffer that a backend owns.
///
/// A view shares the buffer: writing through it changes the whole. `[token, head, width]` tensors are matrices
/// `[token, head · width]`; a head's part is a view of columns.
public struct Matrix {
  /// The memory it lies in.
  public let buffer: any DeviceBuffer
  /// Where its first element lies, in elements.
  public let offset: Int
  public let rows: Int
  public let columns: Int
  /// The distance between the starts of two rows, in elements; `columns` when the matrix is dense.
  public let stride: Int

  /// A view of `buffer`. Traps when it does not fit: shapes come from a checked blueprint, so this is a programmer's error.
  public init(buffer: any DeviceBuffer, offset: Int = 0, rows: Int, columns: Int, stride: Int? = nil) {
    let stride = stride ?? columns
    precondition(rows >= 0 && columns >= 0 && stride >= columns && offset >= 0, "a matrix of impossible shape")
    precondition(
      rows == 0 || columns == 0 || offset + (rows - 1) * stride + columns <= buffer.count,
      "a matrix [\(rows), \(columns)] beyond its buffer of \(buffer.count)")
    self.buffer = buffer
    self.offset = offset
    self.rows = rows
    self.columns = columns
    self.stride = stride
  }

  /// How many elements it has.
  public var count: Int { rows * columns }

  /// Whether its rows follow each other without gaps.
  public var isDense: Bool { stride == columns || rows <= 1 }

  /// The rows in `range`, sharing this matrix's memory.
  public func rows(_ range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
    return Matrix(
      buffer: buffer, offset: offset + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
  }

  /// The columns in `range`, sharing this matrix's memory.
  public func columns(_ range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns \(range) of \(columns)")
    return Matrix(
      buffer: buffer, offset: offset + range.lowerBound, rows: rows, columns: range.count, stride: stride)
  }
}

/// Which of a product's factors are read transposed.
public enum Transposition: Sendable {
  case none
  case transposed
}
