internal import CKernels

/// Reading a tensor's elements as numbers.
extension StoredTensor {
  /// Writes every element, as `Float` and in row order, to `output`.
  ///
  /// - Throws: ``StorageError`` when `output` is not ``elementCount`` long, or the type is not `float32`, `bfloat16` or
  ///   `float16`.
  public func convert(to output: inout MutableSpan<Float>) throws(StorageError) {
    try convert(elements: 0..<elementCount, to: &output)
  }

  /// Writes the elements of some indices of the first dimension, such as rows of a matrix, to `output`.
  ///
  /// - Parameter rows: indices of the first dimension.
  /// - Throws: ``StorageError`` when a row is not there, the tensor is a scalar, `output` is not as long as the rows
  ///   together, or the type does not convert.
  public func convert(rows: Range<Int>, to output: inout MutableSpan<Float>) throws(StorageError) {
    guard let rowCount = shape.dimensions.first, let width = shape.rowElementCount else {
      throw StorageError(.outOfBounds, "tensor \(place) is a scalar and has no rows")
    }
    guard rows.lowerBound >= 0, rows.upperBound <= rowCount else {
      throw StorageError(.outOfBounds, "tensor \(place) of shape \(shape) has no rows \(rows)")
    }
    // In range, since the whole tensor's count is.
    try convert(elements: rows.lowerBound * width..<rows.upperBound * width, to: &output)
  }

  /// Every element, as `Float` and in row order.
  ///
  /// - Throws: ``StorageError`` when the type is not `float32`, `bfloat16` or `float16`.
  public func floats() throws(StorageError) -> [Float] {
    var values = [Float](repeating: 0, count: elementCount)
    var span = values.mutableSpan
    try convert(to: &span)
    return values
  }

  /// Every element of an integer tensor, such as `input_ids`, in row order.
  ///
  /// - Throws: ``StorageError`` when the type is no integer type, or a `uint64` is larger than `Int.max`.
  public func integers() throws(StorageError) -> [Int] {
    switch elementType {
    case .int64: return try integers(of: Int64.self)
    case .int32: return try integers(of: Int32.self)
    case .int16: return try integers(of: Int16.self)
    case .int8: return try integers(of: Int8.self)
    case .uint64: return try integers(of: UInt64.self)
    case .uint32: return try integers(of: UInt32.self)
    case .uint16: return try integers(of: UInt16.self)
    case .uint8: return try integers(of: UInt8.self)
    case .float64, .float32, .float16, .bfloat16, .bool:
      throw StorageError(
        .unsupportedElementType,
        "tensor \(place) has element type \(elementType.safetensorsName); an integer type such as I32 is needed")
    }
  }

  private func integers<Element: FixedWidthInteger & BitwiseCopyable>(
    of type: Element.Type
  ) throws(StorageError) -> [Int] {
    let bytes = bytes
    var values = [Int]()
    values.reserveCapacity(elementCount)
    for index in 0..<elementCount {
      let offset = index * MemoryLayout<Element>.size
      let element = unsafe Element(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type))
      guard let value = Int(exactly: element) else {
        throw StorageError(
          .outOfBounds, "tensor \(place) holds \(element) at element \(index), more than \(Int.max); use I64")
      }
      values.append(value)
    }
    return values
  }

  private func convert(elements: Range<Int>, to output: inout MutableSpan<Float>) throws(StorageError) {
    guard output.count == elements.count else {
      throw StorageError(
        .sizeMismatch, "tensor \(place): \(elements.count) elements do not fit a span of \(output.count)")
    }
    guard elementType.convertsToFloat else {
      throw StorageError(
        .unsupportedElementType,
        "tensor \(place) has element type \(elementType.safetensorsName), which is not computed with; convert it to "
          + "F32, BF16 or F16")
    }
    let width = elementType.byteCount
    let source = bytes.extracting(elements.lowerBound * width..<elements.upperBound * width)
    let type = elementType
    unsafe source.withUnsafeBytes { source in
      unsafe output.withUnsafeMutableBufferPointer { output in
        guard let from = source.baseAddress, let to = output.baseAddress else { return }
        let count = output.count
        switch type {
        case .bfloat16: unsafe ck_widen_bfloat16(to, from, count)
        case .float16: unsafe ck_widen_float16(to, from, count)
        default: unsafe UnsafeMutableRawPointer(to).copyMemory(from: from, byteCount: count * 4)
        }
      }
    }
  }

  /// The tensor and where it lies, for messages.
  private var place: String {
    OneLine.quoted(name) + (path.map { " in \($0)" } ?? "")
  }
}
