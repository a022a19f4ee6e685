import Compute
import Glibc
import Testing

/// Rotary position embedding: rotation by the token's position in its own sequence, and its transpose.
@Suite struct RotaryTests {
  /// Lengths of sequences, heads and half the width of a head.
  static let shapes: [(lengths: [Int], heads: Int, half: Int)] = [
    ([1], 1, 1), ([3], 2, 1), ([1, 4, 2], 1, 3), ([7, 5], 3, 8), ([129, 1], 2, 17), ([64], 1, 32),
  ]

  /// Tables for `positions` positions, each factor multiplied by `amplitude`.
  static func rotaryTable(positions: Int, half: Int, amplitude: Double = 1) -> RotaryTable {
    let angles = Table(positions, half) { Formula.angle(position: $0, pair: $1, half: half) }.values
    return RotaryTable(
      half: half, cosines: angles.map { Float(amplitude * cos($0)) }, sines: angles.map { Float(amplitude * sin($0)) })
  }

  @Test(arguments: Setup.all, shapes)
  func rotation(_ setup: Setup, shape: (lengths: [Int], heads: Int, half: Int)) throws {
    var random = SeededGenerator(seed: 21)
    let bench = Workbench(setup)
    let layout = SequenceLayout(lengths: shape.lengths)
    // More positions than tokens, as a table for a longer batch has.
    let rotary = Self.rotaryTable(positions: layout.longest + 2, half: shape.half)
    let x = random.table(layout.tokens, shape.heads * shape.half * 2)
    let matrix = try bench.matrix(x)
    bench.backend.rotate(matrix, layout: layout, table: rotary, inverse: false)
    #expect(bench.distance(matrix, Formula.rotate(x, layout: layout, half: shape.half)) < 2e-7)
    bench.backend.rotate(matrix, layout: layout, table: rotary, inverse: true)
    #expect(bench.distance(matrix, x) < 3e-7, "the inverse gives back what was rotated")
    #expect(bench.bordersAreIntact)
  }

  /// The first token of every sequence stands at position 0 and is not turned.
  @Test(arguments: Setup.all) func positionsStartAnew(_ setup: Setup) throws {
    var random = SeededGenerator(seed: 22)
    let bench = Workbench(setup)
    let layout = SequenceLayout(lengths: [3, 1, 5])
    let x = random.table(layout.tokens, 8)
    let matrix = try bench.matrix(x)
    bench.backend.rotate(
      matrix, layout: layout, table: Self.rotaryTable(positions: 5, half: 4), inverse: false)
    for sequence in 0..<layout.count {
      let first = layout.rows(of: sequence).lowerBound
      #expect(bench.backend.floats(matrix.rows(first..<first + 1)) == x.row(first).map { Float($0) })
    }
  }

  /// A table of one position turns tokens that stand alone as the whole table turns the token there.
  @Test(arguments: Setup.all) func onePosition(_ setup: Setup) throws {
    var random = SeededGenerator(seed: 24)
    let bench = Workbench(setup)
    let rotary = Self.rotaryTable(positions: 6, half: 4)
    let x = random.table(6, 16)
    let (together, alone) = (try bench.matrix(x), try bench.matrix(x))
    bench.backend.rotate(together, layout: SequenceLayout(lengths: [6]), table: rotary, inverse: false)
    for position in 0..<6 {
      let row = alone.rows(position..<position + 1)
      bench.backend.rotate(
        row, layout: SequenceLayout(lengths: [1]), table: rotary.only(position), inverse: false)
    }
    #expect(rotary.only(5).positions == 1)
    #expect(bench.backend.floats(alone) == bench.backend.floats(together))
  }

  /// `inverse` is the transpose, also where the table scales (as long-context variants do): the gradient of the rotation.
  @Test(arguments: Setup.all, shapes)
  func gradient(_ setup: Setup, shape: (lengths: [Int], heads: Int, half: Int)) throws {
    var random = SeededGenerator(seed: 23)
    let bench = Workbench(setup)
    let layout = SequenceLayout(lengths: shape.lengths)
    let rotary = Self.rotaryTable(positions: layout.longest, half: shape.half, amplitude: 1.5)
    let x = random.table(layout.tokens, shape.heads * shape.half * 2)
    let dy = random.table(x.rows, x.columns)
    let dx = try bench.matrix(dy)
    bench.backend.rotate(dx, layout: layout, table: rotary, inverse: true)
    let distance = bench.gradientDistance(dx, at: x, samples: 24) {
      Formula.rotate($0, layout: layout, half: shape.half, amplitude: 1.5).inner(dy)
    }
    #expect(distance < 3e-7)
    #expect(bench.bordersAreIntact)
  }
}
