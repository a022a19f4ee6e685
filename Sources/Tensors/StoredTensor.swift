/// A tensor as a file holds it: name, element type, shape, and immutable bytes that are mapped or owned.
///
/// Copies share the bytes. A mapped tensor keeps its file mapped.
public struct StoredTensor: Sendable {
  private enum Storage: Sendable {
    case mapped(MappedFile, Range<Int>)
    case owned([UInt8])
  }

  /// The name in the checkpoint, such as `model.norm.weight`.
  public let name: String
  public let elementType: ElementType
  public let shape: Shape
  /// The product of the dimensions.
  public let elementCount: Int
  private let storage: Storage

  /// A tensor that owns `bytes`: its elements in row order, little-endian.
  ///
  /// - Throws: ``StorageError`` when `bytes` are not as many as `shape` and `elementType` ask for.
  public init(name: String, elementType: ElementType, shape: Shape, bytes: [UInt8]) throws(StorageError) {
    self.elementCount = try Self.checkedCount(name, elementType, shape, byteCount: bytes.count)
    self.name = name
    self.elementType = elementType
    self.shape = shape
    self.storage = .owned(bytes)
  }

  /// A tensor that owns a copy of `bytes`.
  ///
  /// - Throws: ``StorageError`` as ``init(name:elementType:shape:bytes:)``.
  public init(name: String, elementType: ElementType, shape: Shape, copying bytes: RawSpan) throws(StorageError) {
    let copy = unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    try self.init(name: name, elementType: elementType, shape: shape, bytes: copy)
  }

  /// A tensor of `elementType` `float32`, `bfloat16` or `float16` that holds `values`, rounded.
  ///
  /// - Throws: ``StorageError`` for another element type, or a count that is not the shape's.
  public init(name: String, elementType: ElementType, shape: Shape, values: [Float]) throws(StorageError) {
    try self.init(name: name, elementType: elementType, shape: shape, bytes: elementType.encode(values.span))
  }

  /// A tensor that lies in `file`, `byteRange` counted from the file's first byte.
  ///
  /// - Throws: ``StorageError`` when the range leaves the file or does not fit `shape` and `elementType`.
  public init(
    name: String, elementType: ElementType, shape: Shape, file: MappedFile, byteRange: Range<Int>
  ) throws(StorageError) {
    guard byteRange.lowerBound >= 0, byteRange.upperBound <= file.size else {
      throw StorageError(
        .outOfBounds,
        "\(file.path): tensor \(OneLine.quoted(name)) at bytes \(byteRange) leaves the file of \(file.size) bytes; "
          + "get the file again")
    }
    self.elementCount = try Self.checkedCount(name, elementType, shape, byteCount: byteRange.count)
    self.name = name
    self.elementType = elementType
    self.shape = shape
    self.storage = .mapped(file, byteRange)
  }

  /// Bytes of the whole tensor.
  public var byteCount: Int {
    switch storage {
    case .mapped(_, let range): range.count
    case .owned(let bytes): bytes.count
    }
  }

  /// The file that the tensor lies in, nil for owned bytes; for messages.
  public var path: String? {
    if case .mapped(let file, _) = storage { file.path } else { nil }
  }

  /// The elements in row order, little-endian, not necessarily aligned to their type.
  public var bytes: RawSpan {
    @_lifetime(borrow self) get {
      switch storage {
      case .mapped(let file, let range):
        return unsafe _overrideLifetime(file.bytes.extracting(range), borrowing: self)
      case .owned(let bytes):
        // The array's storage is immutable and shared with `self`, which keeps it alive.
        return unsafe _overrideLifetime(bytes.span.bytes, borrowing: self)
      }
    }
  }

  /// The same bytes under another name, as where two names of a model share one tensor.
  public func renamed(_ name: String) -> StoredTensor {
    StoredTensor(name: name, elementType: elementType, shape: shape, elementCount: elementCount, storage: storage)
  }

  private init(name: String, elementType: ElementType, shape: Shape, elementCount: Int, storage: Storage) {
    self.name = name
    self.elementType = elementType
    self.shape = shape
    self.elementCount = elementCount
    self.storage = storage
  }

  private static func checkedCount(
    _ name: String, _ elementType: ElementType, _ shape: Shape, byteCount: Int
  ) throws(StorageError) -> Int {
    guard let elements = shape.elementCount, let bytes = shape.byteCount(of: elementType) else {
      throw StorageError(
        .sizeMismatch, "tensor \(OneLine.quoted(name)) has the impossible shape \(shape); get the file again")
    }
    guard bytes == byteCount else {
      throw StorageError(
        .sizeMismatch,
        "tensor \(OneLine.quoted(name)) of shape \(shape) and type \(elementType.safetensorsName) needs \(bytes) bytes "
          + "but has \(byteCount); get the file again")
    }
    return elements
  }
}
