internal import CKernels

/// Whether a tensor's elements are numbers.
extension StoredTensor {
  /// Makes sure that no element is infinite or NaN: one pass over the bytes, at the speed of memory.
  ///
  /// - Parameter elements: those that are looked at, in row order; nil for all.
  /// - Throws: ``StorageError`` with code `notFinite` naming file, tensor and the first such element.
  public func requireFinite(elements: Range<Int>? = nil) throws(StorageError) {
    let elements = elements ?? 0..<elementCount
    let width = elementType.byteCount
    let part = bytes.extracting(elements.lowerBound * width..<elements.upperBound * width)
    if let index = elementType.firstNotFinite(in: part) { throw notFinite(elements.lowerBound + index) }
  }

  /// Whether an element, by its place in row order, is a finite number.
  package func isFinite(at element: Int) -> Bool {
    let width = elementType.byteCount
    return elementType.firstNotFinite(in: bytes.extracting(element * width..<(element + 1) * width)) == nil
  }

  /// The error that names an element, by its place in row order, which is infinite or NaN.
  package func notFinite(_ element: Int) -> StorageError {
    var rest = element
    var indices: [Int] = []
    for dimension in shape.dimensions.reversed() {
      indices.append(rest % dimension)
      rest /= dimension
    }
    let place = indices.reversed().map(String.init).joined(separator: ", ")
    return StorageError(
      .notFinite,
      "\(path.map { "\($0): " } ?? "")tensor \(OneLine.quoted(name)): element [\(place)] is \(kind(of: element)); get the "
        + "file again, or use a checkpoint whose weights are all finite numbers")
  }

  private func kind(of element: Int) -> String {
    let width = elementType.byteCount
    let bytes = bytes.extracting(element * width..<(element + 1) * width)
    var bits: UInt32 = 0
    for index in 0..<width {
      bits |= unsafe UInt32(bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)) << (8 * index)
    }
    let value: Float =
      switch elementType {
      case .bfloat16: Float(bitPattern: bits << 16)
      case .float16: bits & 0x3FF != 0 ? .nan : bits & 0x8000 != 0 ? -.infinity : .infinity
      default: Float(bitPattern: bits)
      }
    return value.isNaN ? "NaN" : value < 0 ? "-infinity" : "infinity"
  }
}

extension ElementType {
  /// The place, in elements, of the first number in `bytes` that is infinite or NaN; nil when there is none, and for types
  /// that are not computed with.
  public func firstNotFinite(in bytes: RawSpan) -> Int? {
    let count = bytes.byteCount / byteCount
    let index = unsafe bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return count }
      return switch self {
      case .float32: unsafe ck_first_not_finite_float32(base, count)
      case .bfloat16: unsafe ck_first_not_finite_bfloat16(base, count)
      case .float16: unsafe ck_first_not_finite_float16(base, count)
      default: count
      }
    }
    return index < count ? index : nil
  }
}
