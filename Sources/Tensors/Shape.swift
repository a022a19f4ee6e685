/// The dimensions of a tensor, slowest first, such as `[576, 1536]`. The empty shape is a scalar's.
///
/// A shape can come from a file, so nothing is assumed of its numbers: counts are checked.
public struct Shape: Sendable, Hashable, Codable, CustomStringConvertible, ExpressibleByArrayLiteral {
  /// The dimensions, slowest first.
  public let dimensions: [Int]

  public init(_ dimensions: [Int]) { self.dimensions = dimensions }

  public init(arrayLiteral elements: Int...) { self.dimensions = elements }

  /// A shape is written as its plain list of dimensions.
  public init(from decoder: any Decoder) throws {
    self.dimensions = try decoder.singleValueContainer().decode([Int].self)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(dimensions)
  }

  /// The number of dimensions.
  public var rank: Int { dimensions.count }

  /// The product of the dimensions, 1 for a scalar; nil where a dimension is negative or the product overflows.
  public var elementCount: Int? { Self.product(dimensions[...]) }

  /// The elements of one index of the first dimension; nil for a scalar, or as ``elementCount``.
  public var rowElementCount: Int? { dimensions.isEmpty ? nil : Self.product(dimensions.dropFirst()) }

  /// The bytes of a tensor of this shape; nil where they cannot be counted.
  public func byteCount(of elementType: ElementType) -> Int? {
    guard let elementCount else { return nil }
    let (bytes, overflow) = elementCount.multipliedReportingOverflow(by: elementType.byteCount)
    return overflow ? nil : bytes
  }

  public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }

  private static func product(_ dimensions: ArraySlice<Int>) -> Int? {
    var product = 1
    for dimension in dimensions {
      guard dimension >= 0 else { return nil }
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
      if overflow { return nil }
      product = next
    }
    return product
  }
}
