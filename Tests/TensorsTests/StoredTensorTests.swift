import Tensors
import TestSupport
import Testing

@Suite struct StoredTensorTests {
  @Test func ownedBytesConvert() throws {
    let tensor = try StoredTensor(name: "w", elementType: .float32, shape: [2, 2], values: [1, -2, 3, 0.5])
    #expect(tensor.byteCount == 16)
    #expect(tensor.elementCount == 4)
    #expect(try tensor.floats() == [1, -2, 3, 0.5])
    let copy = try StoredTensor(name: "v", elementType: .float32, shape: [4], copying: tensor.bytes)
    #expect(try copy.floats() == [1, -2, 3, 0.5])
    #expect(tensor.renamed("tied").name == "tied")
  }

  @Test(arguments: [ElementType.float32, .bfloat16, .float16])
  func rowsConvert(type: ElementType) throws {
    let values = (0..<12).map(Float.init)
    let tensor = try StoredTensor(name: "w", elementType: type, shape: [4, 3], values: values)
    var rows = [Float](repeating: -1, count: 6)
    var span = rows.mutableSpan
    try tensor.convert(rows: 1..<3, to: &span)
    #expect(rows == [3, 4, 5, 6, 7, 8])
    var none: [Float] = []
    var empty = none.mutableSpan
    try tensor.convert(rows: 4..<4, to: &empty)
    #expect(none.isEmpty)
  }

  @Test(arguments: [0..<5, -1..<1, 4..<6])
  func rowsOutsideAreRefused(rows: Range<Int>) throws {
    let tensor = try StoredTensor(
      name: "w", elementType: .float32, shape: [4, 3], values: .init(repeating: 0, count: 12))
    #expect {
      var output = [Float](repeating: 0, count: rows.count * 3)
      var span = output.mutableSpan
      try tensor.convert(rows: rows, to: &span)
    } throws: { error in
      (error as? StorageError)?.code == .outOfBounds && "\(error)".contains("\"w\" of shape [4, 3]")
    }
  }

  @Test func aMappedTensorNeedNotBeAligned() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([7] + ElementType.float32.encode([1.5, -3].span) + [9], to: "data")
    let file = try MappedFile(path: path)
    let tensor = try StoredTensor(name: "w", elementType: .float32, shape: [2], file: file, byteRange: 1..<9)
    #expect(try tensor.floats() == [1.5, -3])
    #expect(tensor.path == path)
    #expect {
      try StoredTensor(name: "w", elementType: .float32, shape: [2], file: file, byteRange: 3..<11)
    } throws: { error in
      (error as? StorageError)?.code == .outOfBounds && "\(error)".contains(path)
    }
  }

  @Test func sizesAreChecked() throws {
    #expect {
      try StoredTensor(name: "w", elementType: .bfloat16, shape: [2, 3], bytes: [1, 2])
    } throws: { error in
      "\(error)" == "tensor \"w\" of shape [2, 3] and type BF16 needs 12 bytes but has 2; get the file again"
    }
    #expect {
      try StoredTensor(name: "a\nb", elementType: .bfloat16, shape: [.max, 3], bytes: [])
    } throws: { error in
      "\(error)".contains("impossible shape") && !"\(error)".contains("\n")
    }
    let tensor = try StoredTensor(name: "w", elementType: .float32, shape: [1], values: [1])
    #expect {
      var output = [Float](repeating: 0, count: 2)
      var span = output.mutableSpan
      try tensor.convert(to: &span)
    } throws: { error in
      (error as? StorageError)?.code == .sizeMismatch
    }
  }

  @Test func integersAreReadAndOtherTypesRefused() throws {
    let ids = try StoredTensor(
      name: "input_ids", elementType: .int32, shape: [2], bytes: [1, 0, 0, 0, 255, 255, 255, 255])
    #expect(try ids.integers() == [1, -1])
    #expect {
      try ids.floats()
    } throws: { error in
      (error as? StorageError)?.code == .unsupportedElementType && "\(error)".contains("I32")
    }
    let large = try StoredTensor(name: "u", elementType: .uint64, shape: [1], bytes: .init(repeating: 255, count: 8))
    #expect {
      try large.integers()
    } throws: { error in
      (error as? StorageError)?.code == .outOfBounds
    }
  }
}
