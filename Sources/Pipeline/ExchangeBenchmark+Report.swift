internal import Artifacts
internal import Checkpoints
internal import Communication
internal import Foundation

extension ExchangeBenchmark.Outcome {
  private static let columns: [(title: String, unit: String, width: Int)] = [
    ("sent", "MB", 10), ("ratio", "", 7), ("bound", "", 7), ("encode", "MB/s", 9), ("decode", "MB/s", 9),
    ("step", "ms", 10), ("pays below", "Mb/s", 12),
  ]

  /// For people, at most 80 columns.
  var table: String {
    let heads = [Self.columns.map(\.title), Self.columns.map(\.unit)].enumerated().map { index, texts in
      line(index == 0 ? "codec" : "", texts)
    }
    let lines = rows.map { row in
      line(
        row.codec.rawValue,
        [
          fixed(row.sentBytes / 1e6, 3), fixed(ratio(row), 2), fixed(row.bound.ratio, 2),
          TableNumber.rate(row.measured.encodeRate / 1e6), TableNumber.rate(row.measured.decodeRate / 1e6),
          fixed(row.seconds * 1e3, 2),
          row.measured.breakEvenBandwidth > 0
            ? TableNumber.rate(row.measured.breakEvenBandwidth * 8 / 1e6) : "never",
        ])
    }
    let source = isDumped ? "from files" : "normally distributed"
    var head = [
      "gradients  \(TableNumber.grouped(values)) values, \(source); \(TableNumber.grouped(steps)) steps",
      "ranks      \(TableNumber.grouped(ranks))",
    ]
    if ranks > 1 {
      head.append("link       \(TableNumber.rate(bandwidth * 8 / 1e6)) Mb/s per rank while all send to all")
      head.append("auto       \(choice.rawValue); a step takes \(fixed(autoSeconds * 1e3, 2)) ms")
    } else {
      head.append("link       none: one rank sends nothing; start several with mpirun")
    }
    let notes = [
      "sent: by a rank in a step, the mean over ranks. ratio: to float32. bound: the",
      "best ratio by the entropy of the codec's bytes. encode, decode: float32 bytes",
      "on one core. step: the slowest rank's, the median. pays below: the bandwidth",
      "per rank below which coding takes less time than it saves.",
    ]
    return (head + [""] + heads + lines + [""] + notes).joined(separator: "\n")
  }

  /// One JSON object; null stands for what is infinite, or is not there with one rank.
  var json: String {
    JSONValue.object([
      "values": .integer(Int64(values)), "steps": .integer(Int64(steps)), "ranks": .integer(Int64(ranks)),
      "gradients": .string(isDumped ? "files" : "normal"), "bandwidth_bytes_per_second": number(bandwidth),
      "auto": ranks > 1 ? .string(choice.rawValue) : .null,
      "auto_step_seconds": ranks > 1 ? number(autoSeconds) : .null,
      "codecs": .array(
        rows.map { row in
          .object([
            "codec": .string(row.codec.rawValue), "sent_bytes": number(row.sentBytes),
            "uncompressed_bytes": number(row.uncompressedBytes), "ratio": number(ratio(row)),
            "entropy_bound_ratio": number(row.bound.ratio),
            "entropy_bits_per_byte": .array(row.bound.planeBits.map(number)),
            "encode_bytes_per_second": number(row.measured.encodeRate),
            "decode_bytes_per_second": number(row.measured.decodeRate), "step_seconds": number(row.seconds),
            "break_even_bytes_per_second": number(row.measured.breakEvenBandwidth),
          ])
        }),
    ]).prettyText
  }

  /// Of what was sent; of one frame where nothing was.
  private func ratio(_ row: ExchangeBenchmark.Row) -> Double {
    row.sentBytes > 0 ? row.uncompressedBytes / row.sentBytes : row.measured.ratio
  }

  private func number(_ value: Double) -> JSONValue { value.isFinite ? .number(value) : .null }

  private func fixed(_ number: Double, _ decimals: Int) -> String {
    number.isFinite ? String(format: "%.\(decimals)f", number) : "–"
  }

  private func line(_ name: String, _ texts: [String]) -> String {
    let cells = zip(texts, Self.columns).map { text, column in
      String(repeating: " ", count: max(1, column.width - text.count)) + text
    }
    return name.padding(toLength: 6, withPad: " ", startingAt: 0) + cells.joined()
  }
}
