internal import CKernels

/// Writing numbers as a file holds them.
extension ElementType {
  /// The smallest magnitude that ``encode(_:)`` rounds to infinity: the largest finite number of the type and half a step
  /// more; infinity for types as wide as `Float`.
  public var overflowMagnitude: Float {
    switch self {
    case .bfloat16: Float(bitPattern: 0x7F7F_8000)
    case .float16: 65_520
    default: .infinity
    }
  }

  /// `values` as little-endian bytes of this type: `float32` exactly, `bfloat16` and `float16` rounded to nearest, ties
  /// to even, with NaN kept NaN.
  ///
  /// - Throws: ``StorageError`` when this is another type.
  public func encode(_ values: Span<Float>) throws(StorageError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: values.count * byteCount)
    var span = bytes.mutableSpan
    var raw = unsafe span.mutableBytes
    try encode(values, into: &raw)
    return bytes
  }

  /// Writes `values` to `output`, which is `byteCount` times as long: for streaming in parts.
  ///
  /// - Throws: ``StorageError`` when `output` has another length, or this type is not `float32`, `bfloat16` or
  ///   `float16`.
  public func encode(_ values: Span<Float>, into output: inout MutableRawSpan) throws(StorageError) {
    guard convertsToFloat else {
      throw StorageError(
        .unsupportedElementType, "numbers cannot be written as element type \(safetensorsName); use F32, BF16 or F16")
    }
    guard output.byteCount == values.count * byteCount else {
      throw StorageError(
        .sizeMismatch, "\(values.count) numbers of type \(safetensorsName) do not fit \(output.byteCount) bytes")
    }
    unsafe values.withUnsafeBufferPointer { source in
      unsafe output.withUnsafeMutableBytes { output in
        guard let from = source.baseAddress, let to = output.baseAddress else { return }
        switch self {
        case .bfloat16: unsafe ck_round_bfloat16(to, from, source.count)
        case .float16: unsafe ck_round_float16(to, from, source.count)
        default: unsafe to.copyMemory(from: from, byteCount: source.count * 4)
        }
      }
    }
  }
}
