internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Checkpoints

extension ScoringBenchmark.Outcome {
  /// Operations per second over what the same cores reach in products alone: all that was computed (hardware FLOP
  /// utilization), and what any way to compute it needs (model FLOP utilization), as Chowdhery et al. (PaLM, 2022) have it.
  private func utilization(_ point: ScoringBenchmark.Point) -> (hardware: Double, model: Double) {
    (point.arithmetic.done / point.median / peak, point.arithmetic.needed / point.median / peak)
  }

  /// Seconds against tokens, or against layers where these vary.
  private func fit(_ axis: ScoringBenchmark.Axis, _ points: [ScoringBenchmark.Point]) -> LinearFit? {
    LinearFit(points.map { (Double(axis == .layers ? $0.layers : $0.tokens), $0.median) })
  }

  /// For people, at most 80 columns.
  var table: String {
    let scoring = document.scoring
    let (hardware, model) = utilization(whole)
    let arithmetic = whole.arithmetic
    let again = arithmetic.done - arithmetic.needed
    var table = BenchmarkTable()
    table.facts([
      ("model", self.model.folder.path),
      (
        "work",
        "\(TableNumber.grouped(whole.sequences)) × \(TableNumber.grouped(whole.length)) tokens, "
          + "\(TableNumber.counted(whole.layers, "layer")), \(scoring.criterion.rawValue), "
          + "\(scoring.objective.rawValue), \(scoring.accumulation.rawValue)"
      ),
      ("ranks", "\(TableNumber.counted(ranks, "rank")) × \(TableNumber.counted(threads, "thread"))"),
      ("backend", backend),
      (
        "pass",
        "\(BenchmarkTable.time(whole.median)), the median of "
          + whole.seconds.map { BenchmarkTable.time($0) }.joined(separator: ", ")
      ),
      ("speed", "\(TableNumber.rate(Double(whole.tokens) / whole.median)) tokens/s"),
      ("a layer", BenchmarkTable.time(whole.median / Double(whole.layers)) + ", with its share of embedding and head"),
      (
        "needed",
        "\(teras(arithmetic.needed)) TFLOP: weights \(teras(3 * arithmetic.weights)), attention "
          + "\(teras(3 * arithmetic.attention)), head \(teras(arithmetic.head))"
      ),
      ("done", "\(teras(arithmetic.done)) TFLOP: \(teras(again)) of it computed again"),
      ("peak", "\(TableNumber.rate(peak / 1e9)) GFLOP/s in products, measured before and after"),
      (
        "utilization",
        "\(BenchmarkTable.share(hardware)) by what was done, \(BenchmarkTable.share(model)) by what is needed"
      ),
      ("peak memory", ByteSize(bytes: whole.peakBytes).rounded + " of a rank"),
    ])
    for (axis, points) in sweep {
      table.columns(
        [[axis.rawValue, "tokens", "layers", "time", "tokens/s", "utilization", "peak memory"]]
          + points.map { row($0, axis) })
      table.note([line(axis, points)])
    }
    return table.text
  }

  private func row(_ point: ScoringBenchmark.Point, _ axis: ScoringBenchmark.Axis) -> [String] {
    let value =
      switch axis {
      case .sequences: point.sequences
      case .length: point.length
      case .layers: point.layers
      }
    return [
      TableNumber.grouped(value), TableNumber.grouped(point.tokens), TableNumber.grouped(point.layers),
      BenchmarkTable.time(point.median), TableNumber.rate(Double(point.tokens) / point.median),
      BenchmarkTable.share(utilization(point).hardware), ByteSize(bytes: point.peakBytes).rounded,
    ]
  }

  private func line(_ axis: ScoringBenchmark.Axis, _ points: [ScoringBenchmark.Point]) -> String {
    guard let fit = fit(axis, points) else { return "too few sizes for a line" }
    let unit = axis == .layers ? "layer" : "token"
    let explained = fit.rSquared.map { ", R² \(TableNumber.fixed($0, 4))" } ?? ""
    return "time = \(TableNumber.fixed(fit.intercept, 3)) s + \(TableNumber.rate(fit.slope * 1e3)) ms per \(unit)"
      + explained
  }

  /// One JSON object; null stands for a fit that there are too few points for.
  var json: String {
    var value = json(whole)
    for (key, entry) in [
      "model": JSONValue.string(model.folder.path), "parameters": .integer(Int64(model.parameterCount)),
      "ranks": .integer(Int64(ranks)), "threads": .integer(Int64(threads)), "backend": .string(backend),
      "criterion": .string(document.scoring.criterion.rawValue),
      "objective": .string(document.scoring.objective.rawValue),
      "accumulation": .string(document.scoring.accumulation.rawValue), "peak_flops_per_second": .number(peak),
      "sweep": .array(
        sweep.map { axis, points in
          let fit = fit(axis, points)
          return [
            "over": .string(axis.rawValue), "points": .array(points.map(json)),
            "fit": fit.map { fit in
              [
                "against": .string(axis == .layers ? "layers" : "tokens"), "slope": .number(fit.slope),
                "intercept": .number(fit.intercept), "r_squared": fit.rSquared.map(JSONValue.number) ?? .null,
              ]
            } ?? .null,
          ]
        }),
    ] { value[key] = entry }
    return value.prettyText
  }

  private func json(_ point: ScoringBenchmark.Point) -> JSONValue {
    let (hardware, model) = utilization(point)
    return [
      "sequences": .integer(Int64(point.sequences)), "length": .integer(Int64(point.length)),
      "layers": .integer(Int64(point.layers)), "tokens": .integer(Int64(point.tokens)),
      "seconds": .number(point.median), "all_seconds": .array(point.seconds.map(JSONValue.number)),
      "tokens_per_second": .number(Double(point.tokens) / point.median),
      "seconds_per_layer": .number(point.median / Double(point.layers)),
      "peak_bytes": .integer(Int64(point.peakBytes)),
      "flops": [
        "needed": .number(point.arithmetic.needed), "done": .number(point.arithmetic.done),
        "weights_forward": .number(point.arithmetic.weights), "attention_forward": .number(point.arithmetic.attention),
        "head": .number(point.arithmetic.head), "recomputed_share": .number(point.arithmetic.recomputed),
      ],
      "hardware_flop_utilization": .number(hardware), "model_flop_utilization": .number(model),
    ]
  }

  private func teras(_ count: Double) -> String { TableNumber.rate(count / 1e12) }
}
