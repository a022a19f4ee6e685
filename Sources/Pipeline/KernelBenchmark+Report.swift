internal import Artifacts
internal import Checkpoints

extension KernelBenchmark.Outcome {
  /// The share of the peak, or of the bandwidth, that a row reaches.
  private func share(_ row: KernelBenchmark.Row) -> Double {
    switch row.work {
    case .operations: rate(row) / peak.rate
    case .bytes: rate(row) / bandwidth.rate
    }
  }

  private func rate(_ row: KernelBenchmark.Row) -> Double {
    switch row.work {
    case .operations(let count), .bytes(let count): count / row.seconds
    }
  }

  /// For people, at most 80 columns.
  var table: String {
    var table = BenchmarkTable()
    table.facts([
      ("backend", backend),
      ("ranks", "\(TableNumber.counted(ranks, "rank")) × \(TableNumber.counted(threads, "thread"))"),
      (
        "peak",
        "\(gigas(peak.rate)) GFLOP/s, a product of \(peak.shape.map(String.init).joined(separator: " × "))"
      ),
      (
        "bandwidth",
        "\(gigas(bandwidth.rate)) GB/s; copy \(gigas(bandwidth.copyRate)), y += s · x \(gigas(bandwidth.addRate)) of "
          + ByteSize(bytes: bandwidth.bufferBytes).rounded
      ),
      ("tokens", "\(TableNumber.grouped(tokens)); the best of \(repeats)"),
    ])
    for (shape, rows) in models {
      table.note([shape.name])
      table.columns(
        [["GFLOP/s", "in → out", "forward", "", "backward", "", "weights", ""]]
          + grouped(rows.filter { if case .operations = $0.work { true } else { false } }))
      table.columns(
        [["GB/s", "elements", "forward", "", "backward", ""]]
          + grouped(rows.filter { if case .bytes = $0.work { true } else { false } }))
    }
    table.note([
      "A rate is one rank's while all ranks compute; the percentage is of the peak, or",
      "of the bandwidth, which loops exceed whose operands fit a cache. backward: of a",
      "product the input's gradient. weights: the weight's gradient.",
    ])
    return table.text
  }

  /// A line for each kernel with its directions side by side.
  private func grouped(_ rows: [KernelBenchmark.Row]) -> [[String]] {
    var names: [String] = []
    for row in rows where !names.contains(row.name) { names.append(row.name) }
    return names.map { name in
      let own = rows.filter { $0.name == name }
      let first = own[0]
      let shape =
        switch first.work {
        case .operations: first.shape.count == 3 ? "\(first.shape[1]) → \(first.shape[2])" : "\(tokens) × \(tokens)"
        case .bytes: "\(first.shape[0]) × \(first.shape[1])"
        }
      return [name, shape]
        + KernelBenchmark.Row.Direction.allCases.flatMap { direction in
          own.first { $0.direction == direction }.map { [gigas(rate($0)), BenchmarkTable.share(share($0))] } ?? []
        }
    }
  }

  /// One JSON object.
  var json: String {
    JSONValue.object([
      "backend": .string(backend), "threads": .integer(Int64(threads)), "ranks": .integer(Int64(ranks)),
      "tokens": .integer(Int64(tokens)), "repeats": .integer(Int64(repeats)),
      "peak": [
        "flops_per_second": .number(peak.rate), "shape": .array(peak.shape.map { .integer(Int64($0)) }),
      ],
      "bandwidth": [
        "bytes_per_second": .number(bandwidth.rate), "copy_bytes_per_second": .number(bandwidth.copyRate),
        "add_bytes_per_second": .number(bandwidth.addRate), "buffer_bytes": .integer(Int64(bandwidth.bufferBytes)),
      ],
      "models": .array(
        models.map { shape, rows in ["name": .string(shape.name), "kernels": .array(rows.map(json))] }),
    ]).prettyText
  }

  private func json(_ row: KernelBenchmark.Row) -> JSONValue {
    var value: JSONValue = [
      "name": .string(row.name), "direction": .string(row.direction.rawValue),
      "shape": .array(row.shape.map { .integer(Int64($0)) }), "seconds": .number(row.seconds),
      "share": .number(share(row)),
    ]
    switch row.work {
    case .operations(let count):
      value["flops"] = .number(count)
      value["flops_per_second"] = .number(rate(row))
    case .bytes(let count):
      value["bytes"] = .number(count)
      value["bytes_per_second"] = .number(rate(row))
    }
    return value
  }

  private func gigas(_ rate: Double) -> String { TableNumber.rate(rate / 1e9) }
}
