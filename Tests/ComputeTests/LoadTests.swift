import Compute
import TestSupport
import Tensors
import Testing

/// Stored tensors of every float type, widened into a backend's matrices.
@Suite struct LoadTests {
  static let types: [ElementType] = [.float32, .bfloat16, .float16]

  private func tensor(_ type: ElementType, _ shape: Shape) throws -> StoredTensor {
    var random = SeededGenerator(seed: 91)
    let values = random.table(1, shape.elementCount ?? 0).floats
    return try StoredTensor(name: "weight", elementType: type, shape: shape, values: values)
  }

  @Test(arguments: TestedBackend.allCases, types)
  func wholeTensors(_ tested: TestedBackend, type: ElementType) throws {
    let backend = tested.make()
    for shape: Shape in [[1, 1], [1, 7], [129, 1], [17, 33], [5]] {
      let stored = try tensor(type, shape)
      let rows = shape.dimensions[0]
      let matrix = try backend.makeMatrix(rows, stored.elementCount / rows)
      backend.fill(matrix, with: .nan)
      try backend.load(stored, rows: 0..<rows, into: matrix)
      #expect(largestDifference(backend.floats(matrix), try stored.floats()) == 0)
    }
  }

  /// The rows that a rank owns of a shared matrix, into the rows of a larger one.
  @Test(arguments: TestedBackend.allCases, types)
  func rowRanges(_ tested: TestedBackend, type: ElementType) throws {
    let backend = tested.make()
    let stored = try tensor(type, [19, 13])
    let all = try stored.floats()
    for rows in [0..<1, 0..<19, 5..<12, 18..<19, 7..<7] {
      let whole = try backend.makeMatrix(rows.count + 2, 13)
      try backend.load(stored, rows: rows, into: whole.rows(1..<rows.count + 1))
      let zeros = [Float](repeating: 0, count: 13)
      #expect(backend.floats(whole) == zeros + all[rows.lowerBound * 13..<rows.upperBound * 13] + zeros)
    }
    // A vector as one row, and three dimensions flattened.
    let vector = try backend.makeMatrix(1, 4)
    try backend.load(try tensor(type, [9]), rows: 3..<7, into: vector)
    #expect(backend.floats(vector) == Array(try tensor(type, [9]).floats()[3..<7]))
    let flat = try backend.makeMatrix(4, 5)
    try backend.load(try tensor(type, [3, 2, 5]), rows: 1..<3, into: flat)
    #expect(backend.floats(flat) == Array(try tensor(type, [3, 2, 5]).floats()[10...]))
  }

  /// Numbers at the ends of each type come through as they are stored.
  @Test(arguments: TestedBackend.allCases, types)
  func extremeNumbers(_ tested: TestedBackend, type: ElementType) throws {
    let backend = tested.make()
    let values: [Float] = [0, -0.0, 1, -1, 65504, 6e-8, 6.1e-5, 1e-38, 3.3e38, .infinity, -.infinity]
    let stored = try StoredTensor(name: "weight", elementType: type, shape: [1, values.count], values: values)
    let matrix = try backend.makeMatrix(1, values.count)
    try backend.load(stored, rows: 0..<1, into: matrix)
    #expect(backend.floats(matrix).map(\.bitPattern) == (try stored.floats()).map(\.bitPattern))
    #expect(backend.floats(matrix)[9] == .infinity)
  }

  /// Wrong ranges, sizes and types come from files and are errors, not traps.
  @Test(arguments: TestedBackend.allCases) func whatCannotBeLoaded(_ tested: TestedBackend) throws {
    let backend = tested.make()
    let stored = try tensor(.float32, [4, 3])
    let matrix = try backend.makeMatrix(2, 3)
    #expect(throws: StorageError.self) { try backend.load(stored, rows: 3..<5, into: matrix) }
    #expect(throws: StorageError.self) { try backend.load(stored, rows: -1..<1, into: matrix) }
    #expect(throws: StorageError.self) { try backend.load(stored, rows: 0..<3, into: matrix) }
    let integers = try StoredTensor(
      name: "ids", elementType: .int32, shape: [2, 3], bytes: Array(repeating: 0, count: 24))
    #expect(throws: StorageError.self) { try backend.load(integers, rows: 0..<2, into: matrix) }
    let scalar = try StoredTensor(name: "scalar", elementType: .float32, shape: [], values: [1])
    #expect(throws: StorageError.self) { try backend.load(scalar, rows: 0..<1, into: try backend.makeMatrix(1, 1)) }
    #expect(backend.floats(matrix).allSatisfy { $0 == 0 }, "nothing was written")
  }
}
