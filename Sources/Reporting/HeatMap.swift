internal import Artifacts

/// The share of units kept in each layer, as heat-map.mustache draws it: bands of layers, so that numbers stay
/// readable however many layers there are.
struct HeatMap {
  struct Band {
    let title: String
    let description: String
    let width = Coordinate.text(HeatMap.width)
    let height = Coordinate.text(HeatMap.height)
    let layers: [LayerLabel]
    let rows: [Row]
  }

  struct LayerLabel {
    let x: String
    let text: String
  }

  struct Row {
    let name: String
    let labelY: String
    let cells: [Cell]
  }

  struct Cell {
    let x: String
    let y: String
    let textX: String
    let textY: String
    /// 0 to 10: the step of the color ramp.
    let step: Int
    let percent: String
    let title: String
  }

  struct LegendStep {
    let step: Int
    let x: String
    let label: String
    let textX: String
  }

  let bands: [Band]
  let legend = (0...10).map { step in
    LegendStep(
      step: step, x: Coordinate.text(Double(step) * 30 + 2), label: step.isMultiple(of: 5) ? "\(step * 10) %" : "",
      textX: Coordinate.text(Double(step) * 30 + 17))
  }
  let size = Coordinate.text(Self.cell - 1)

  /// A band is as wide as a phone.
  private static let layersPerBand = 10
  private static let width = left + Double(layersPerBand) * cell
  private static let height = 78.0
  private static let left = 62.0
  private static let cell = 24.8

  /// The map of `layers`; nil without any.
  init?(_ layers: [RunReport.Layer]) {
    guard !layers.isEmpty else { return nil }
    let count = (layers.count + Self.layersPerBand - 1) / Self.layersPerBand
    // Bands of nearly one length: 6 and 6 rather than 10 and 2.
    bands = (0..<count).map { band in
      Self.band(layers, (band * layers.count / count)..<((band + 1) * layers.count / count))
    }
  }

  private static func band(_ layers: [RunReport.Layer], _ range: Range<Int>) -> Band {
    func row(_ name: String, _ top: Double, _ kept: (RunReport.Layer) -> RunReport.Kept) -> Row {
      Row(
        name: name, labelY: Coordinate.text(top + 16),
        cells: range.enumerated().map { column, layer in
          let units = kept(layers[layer])
          let share = units.total > 0 ? min(max(Double(units.kept) / Double(units.total), 0), 1) : 0
          let x = left + Double(column) * cell
          return Cell(
            x: Coordinate.text(x), y: Coordinate.text(top), textX: Coordinate.text(x + (cell - 1) / 2),
            textY: Coordinate.text(top + 16), step: Int((share * 10).rounded()),
            percent: units.total > 0 ? String(Int((share * 100).rounded())) : "–",
            title: "layer \(layer), \(name): \(TableNumber.grouped(units.kept)) of "
              + "\(TableNumber.grouped(units.total)) kept"
              + (units.total > 0 ? " (\(Number.share(share)))" : ""))
        })
    }
    let rows = [row("attention", 24, \.attention), row("MLP", 24 + cell, \.mlp)]
    return Band(
      title: "Kept share, layers \(range.lowerBound) to \(range.upperBound - 1)",
      description: rows.map { row in
        "\(row.name), percent kept by layer: \(row.cells.map(\.percent).joined(separator: ", "))."
      }.joined(separator: " "),
      layers: range.enumerated().map { column, layer in
        LayerLabel(x: Coordinate.text(left + Double(column) * cell + (cell - 1) / 2), text: String(layer))
      }, rows: rows)
  }
}
