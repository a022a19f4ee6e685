import Tensors
import TestSupport
import Testing

/// Elements that are no finite numbers, by name.
@Suite struct FiniteTests {
  @Test(
    arguments: [ElementType.float32, .bfloat16, .float16],
    [(Float.nan, "NaN"), (.infinity, "infinity"), (-.infinity, "-infinity")])
  func namesTheElement(type: ElementType, value: (Float, String)) throws {
    for (shape, index, place) in [
      (Shape([4, 3]), 7, "[2, 1]"), ([12], 7, "[7]"), ([2, 3, 2], 7, "[1, 0, 1]"), ([1, 12], 11, "[0, 11]"),
      ([12, 1], 0, "[0, 0]"),
    ] {
      var values = (0..<12).map { Float($0) - 6 }
      try StoredTensor(name: "w", elementType: type, shape: shape, values: values).requireFinite()
      values[index] = value.0
      values[11] = value.0
      let tensor = try StoredTensor(name: "w", elementType: type, shape: shape, values: values)
      let error = #expect(throws: StorageError.self) { try tensor.requireFinite() }
      #expect(error?.code == .notFinite)
      #expect(
        error?.message
          == "tensor \"w\": element \(place) is \(value.1); get the file again, or use a checkpoint whose weights are all "
          + "finite numbers")
    }
  }

  @Test func namesTheFile() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([7] + ElementType.float32.encode([1, .nan].span), to: "data")
    let tensor = try StoredTensor(
      name: "a\nb", elementType: .float32, shape: [2], file: try MappedFile(path: path), byteRange: 1..<9)
    let error = #expect(throws: StorageError.self) { try tensor.requireFinite() }
    #expect(error?.message.hasPrefix("\(path): tensor \"a\\u{a}b\": element [1] is NaN; ") == true)
  }

  /// Only what is asked about is looked at.
  @Test func partsAreLookedAt() throws {
    let tensor = try StoredTensor(
      name: "w", elementType: .bfloat16, shape: [2, 4], values: [0, 1, .nan, 3, 4, 5, .infinity, 7])
    for elements in [0..<2, 3..<6, 7..<8, 2..<2] { try tensor.requireFinite(elements: elements) }
    let error = #expect(throws: StorageError.self) { try tensor.requireFinite(elements: 3..<8) }
    #expect(error?.message.contains("element [1, 2] is infinity") == true)
  }

  /// Whole numbers are numbers, whatever their bits; so is nothing.
  @Test(arguments: [ElementType.int32, .uint8, .bool, .int64]) func othersAreNumbers(type: ElementType) throws {
    try StoredTensor(
      name: "w", elementType: type, shape: [3], bytes: Array(repeating: 0xFF, count: 3 * type.byteCount)
    ).requireFinite()
    try StoredTensor(name: "w", elementType: .float32, shape: [0, 4], bytes: []).requireFinite()
  }
}
