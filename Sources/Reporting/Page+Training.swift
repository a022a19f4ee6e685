internal import Artifacts

/// Gate tuning and recovery, step by step, and what their ranks sent each other.
extension Page {
  static func stages(_ training: [RunReport.Training], steps: [TrainingStep]) -> [Section] {
    training.map { stage in
      let steps = inOrder(steps.filter { $0.stage == stage.stage })
      func curve(_ name: String, _ value: (TrainingStep) -> Double?) -> Curve {
        Curve(name, steps.compactMap { step in value(step).map { (step.step, $0) } })
      }
      let percent = { (share: Double?) in share.map { $0 * 100 } }
      let graphs: [(title: String, unit: String, curves: [Curve])] = [
        ("Loss", "nats per token", [curve("loss") { $0.loss }]),
        (
          "Sparsity", "% closed",
          [curve("reached") { percent($0.sparsity) }, curve("target") { percent($0.targetSparsity) }]
        ),
        ("Validation perplexity", "perplexity", [curve("validation") { $0.validationPerplexity }]),
        (
          "Open shares", "% open",
          [curve("attention") { percent($0.attentionOpen) }, curve("MLP") { percent($0.mlpOpen) }]
        ),
      ]
      let charts = graphs.map { LineChart(title: $0.title, yTitle: $0.unit, curves: $0.curves) }
      let few = zip(graphs, charts).filter { $1 == nil }.flatMap { graph, _ in
        graph.curves.filter { !$0.points.isEmpty }.map { curve in
          [graph.curves.count > 1 ? "\(graph.title), \(curve.name)" : graph.title, Self.listed(curve)]
        }
      }
      return Section(
        title: title(stage.stage),
        intro: "\(TableNumber.counted(stage.steps, "step")), \(TableNumber.grouped(stage.tokens)) tokens, "
          + "\(Number.time(stage.seconds)).",
        lineCharts: charts.compactMap { $0 },
        tables: (few.isEmpty ? [] : [Table("Measured", columns: ["", ""], rows: few)]) + rounds(stage.rounds))
    }
  }

  /// A few points in words: `3.0120 at step 1, 2.9870 at step 2`.
  private static func listed(_ curve: Curve) -> String {
    curve.points.map { "\(Number.short($0.y)) at step \(Number.whole($0.x))" }.joined(separator: ", ")
  }

  /// What people call a stage.
  private static func title(_ stage: String) -> String {
    switch stage {
    case "tune": "Gate tuning"
    case "recover": "Recovery"
    default: stage
    }
  }

  /// `steps` by number; of steps with one number the last that was written.
  private static func inOrder(_ steps: [TrainingStep]) -> [TrainingStep] {
    Dictionary(steps.map { ($0.step, $0) }) { $1 }.values.sorted { $0.step < $1.step }
  }

  private static func rounds(_ rounds: [RunReport.Round]) -> [Table] {
    guard !rounds.isEmpty else { return [] }
    return [
      Table(
        "Rounds", columns: ["round", "#target", "#sparsity", "#steps", "#loss", "#validation", ""],
        rows: rounds.enumerated().map { index, round in
          [
            "\(index + 1)", round.targetSparsity.map { Number.share($0) } ?? "–",
            round.sparsity.map { Number.share($0) } ?? "–", TableNumber.grouped(round.steps),
            Number.short(round.loss), round.validationPerplexity.map { Number.short($0) } ?? "–",
            round.isKept ? "kept" : "",
          ]
        }, marked: Set(rounds.indices.filter { rounds[$0].isKept }))
    ]
  }

  static func exchange(_ training: [RunReport.Training]) -> Section {
    let stages = training.filter { $0.sentBytes > 0 }
    guard !stages.isEmpty else { return Section(title: "Gradients exchanged") }
    let bars = stages.flatMap { stage in
      [("sent", stage.sentBytes), ("uncompressed", stage.uncompressedBytes)].map { name, bytes in
        BarChart.Row(
          label: "\(stage.stage), \(name)",
          bars: [(Double(bytes) / 1e6, "\(stage.stage), \(name): \(Number.bytes(bytes))")],
          text: Number.bytes(bytes))
      }
    }
    return Section(
      title: "Gradients exchanged", intro: "Bytes that all ranks sent each other, with frames and checksums.",
      barCharts: [BarChart(title: "Bytes", xTitle: "MB", rows: bars)].compactMap { $0 },
      tables: [
        Table(
          "Compression", columns: ["stage", "codec", "#sent", "#uncompressed", "#ratio", "#per step"],
          rows: stages.map { stage in
            [
              stage.stage, stage.codec, Number.bytes(stage.sentBytes), Number.bytes(stage.uncompressedBytes),
              stage.compressionRatio.map { TableNumber.fixed($0, 2) } ?? "–",
              stage.steps > 0 ? Number.bytes(stage.sentBytes / stage.steps) : "–",
            ]
          })
      ])
  }
}
