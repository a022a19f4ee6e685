extension ReportTable {
  /// A line of a block: a row of its columns, or text as it is.
  enum Line {
    case row(name: String, first: String, second: String, note: String)
    case text(String)
  }

  /// Columns before the numbers, and of each of the two numbers.
  static let nameWidth = 14
  private static let numberWidth = 18
  /// A name beyond this stands out of its column, alone.
  private static let mostName = 30

  /// A row of a block.
  func line(_ name: String, _ first: String, _ second: String, _ note: String = "") -> Line {
    .row(name: name, first: first, second: second, note: note)
  }

  /// A block's lines in columns: the first is as wide as its names, which the second makes up for as far as it can.
  static func aligned(_ block: [Line]) -> [String] {
    var (name, first) = (nameWidth, 0)
    for case .row(let own, let number, _, _) in block {
      if own.count < mostName { name = max(name, own.count + 1) }
      first = max(first, number.count + 2)
    }
    first = max(first, numberWidth - (name - nameWidth))
    return block.map { line in
      switch line {
      case .text(let text): text
      case .row(let own, let number, let second, let note):
        TextLayout.left(own, name) + TextLayout.right(number, first) + TextLayout.right(second, numberWidth)
          + (note.isEmpty ? "" : "   " + note)
      }
    }
  }
}
