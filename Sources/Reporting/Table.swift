/// A table, as table.mustache draws it: the first column names the row.
struct Table {
  struct Column {
    let name: String
    let isNumber: Bool
  }

  struct Cell {
    let text: String
    let isHead: Bool
    let isNumber: Bool
  }

  struct Row {
    let cells: [Cell]
    /// Whether the row stands out, as the one that was chosen.
    let isMarked: Bool
  }

  let title: String
  /// Whether any column has a name.
  let hasHead: Bool
  let columns: [Column]
  /// Whether half a printed page is too narrow for it.
  let isWide: Bool
  let rows: [Row]

  /// A table of `rows`.
  ///
  /// - Parameters:
  ///   - columns: The names; those that begin with `#` are of numbers, and stand right.
  ///   - marked: Which rows stand out.
  init(_ title: String, columns: [String], rows: [[String]], marked: Set<Int> = []) {
    self.title = title
    hasHead = columns.contains { !$0.isEmpty }
    isWide = columns.count > 4
    let areNumbers = columns.map { $0.hasPrefix("#") }
    self.columns = zip(columns, areNumbers).map { Column(name: String($0.drop { $0 == "#" }), isNumber: $1) }
    self.rows = rows.enumerated().map { index, row in
      Row(
        cells: zip(row, areNumbers).enumerated().map { column, cell in
          Cell(text: cell.0, isHead: column == 0, isNumber: cell.1)
        }, isMarked: marked.contains(index))
    }
  }
}
