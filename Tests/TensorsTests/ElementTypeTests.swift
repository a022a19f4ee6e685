import Tensors
import Testing

@Suite struct ElementTypeTests {
  @Test func everyTypeIsFoundByItsName() {
    for type in ElementType.allCases {
      #expect(ElementType(safetensorsName: type.safetensorsName) == type)
      #expect([1, 2, 4, 8].contains(type.byteCount))
    }
    #expect(ElementType(safetensorsName: "F8_E4M3") == nil)
    #expect(ElementType.bfloat16.safetensorsName == "BF16")
  }

  @Test func shapesAreCountedWithoutOverflow() {
    #expect(Shape([576, 1536]).description == "[576, 1536]")
    #expect(Shape([]).elementCount == 1)
    #expect(Shape([3, 0, 5]).elementCount == 0)
    #expect(Shape([2, 3, 4]).rowElementCount == 12)
    #expect(Shape([]).rowElementCount == nil)
    #expect(Shape([-1, 4]).elementCount == nil)
    #expect(Shape([1 << 40, 1 << 40]).elementCount == nil)
    #expect(Shape([1 << 61]).byteCount(of: .float32) == nil)
    #expect(Shape([1 << 60]).byteCount(of: .bfloat16) == 1 << 61)
  }

  @Test func everyFloat16IsReadAsTheProcessorWould() throws {
    let bytes = (0...UInt16.max).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    let values = try StoredTensor(name: "half", elementType: .float16, shape: [65536], bytes: bytes).floats()
    let wrong = (0...UInt16.max).filter { bits in
      let (ours, theirs) = (values[Int(bits)], Float(Float16(bitPattern: bits)))
      return theirs.isNaN ? !ours.isNaN : ours.bitPattern != theirs.bitPattern
    }
    #expect(wrong == [])
  }

  @Test func everyBFloat16SurvivesTheWayThereAndBack() throws {
    let bytes = (0...UInt16.max).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    let tensor = try StoredTensor(name: "brain", elementType: .bfloat16, shape: [65536], bytes: bytes)
    let values = try tensor.floats()
    let encoded = try ElementType.bfloat16.encode(values.span)
    let wrong = (0..<65536).filter { index in
      if values[index].isNaN {
        // Quiet, and with the same sign.
        return encoded[2 * index + 1] != bytes[2 * index + 1] || encoded[2 * index] & 0x7F == 0
      }
      return encoded[2 * index] != bytes[2 * index] || encoded[2 * index + 1] != bytes[2 * index + 1]
    }
    #expect(wrong == [])
    #expect(values[0x3F80] == 1)
  }

  @Test func float16IsRoundedAsTheProcessorWould() throws {
    var values: [Float] = [
      0, -0, 1, 65504, 65519.996, 65520, 1e9, .infinity, -.infinity, .nan, 5.9604645e-08, 2.98e-08,
    ]
    values += [2.9802322e-08, 6.1035156e-05, 6.0975552e-05, .leastNonzeroMagnitude, -.greatestFiniteMagnitude]
    // Steps of 65537 visit every exponent and many mantissas, ties among them.
    values += stride(from: UInt32(0), to: .max - 65537, by: 65537).map(Float.init(bitPattern:))
    values += (0..<0x7C00).map { Float(Float16(bitPattern: $0)) + Float(Float16(bitPattern: $0).ulp) / 2 }
    let encoded = try ElementType.float16.encode(values.span)
    let wrong = values.indices.filter { index in
      let bits = UInt16(encoded[2 * index]) | UInt16(encoded[2 * index + 1]) << 8
      let expected = Float16(values[index])
      return expected.isNaN ? !Float16(bitPattern: bits).isNaN : bits != expected.bitPattern
    }
    #expect(wrong == [])
  }

  @Test(arguments: [
    (Float(1.0), UInt16(0x3F80)), (1.00390625, 0x3F80), (1.01171875, 0x3F82), (1.0039064, 0x3F81),
    (3.4028235e38, 0x7F80), (-2.5, 0xC020),
  ])
  func bfloat16IsRoundedToTheNearestEven(value: Float, expected: UInt16) throws {
    let encoded = try ElementType.bfloat16.encode([value].span)
    #expect(UInt16(encoded[0]) | UInt16(encoded[1]) << 8 == expected)
  }

  @Test func aNaNWithLowPayloadStaysOne() throws {
    let encoded = try ElementType.bfloat16.encode([Float(bitPattern: 0x7F80_0001)].span)
    #expect(encoded == [0xC0, 0x7F])
  }

  @Test func otherTypesAreNotWrittenFromNumbers() {
    #expect {
      try ElementType.int8.encode([1].span)
    } throws: { error in
      (error as? StorageError)?.code == .unsupportedElementType && "\(error)".contains("I8")
    }
  }
}
