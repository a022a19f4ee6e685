internal import Safetensors
internal import Blueprints
internal import Tensors
internal import Architectures
public import Artifacts
internal import Checkpoints
internal import Communication
internal import Compute
internal import Foundation
internal import Glibc

/// Times what comes before the first computation, and reading all weights once, for `espalier bench loading`.
public struct LoadingBenchmark {
  private let document: RunDocument
  private let model: Model
  private let openSeconds: Double
  private let hashSeconds: Double

  /// Opens the model as every verb does, by the clock.
  ///
  /// - Parameter cold: whether the system is asked to drop the files' pages first.
  /// - Throws: what is wrong with the model.
  public init(_ document: RunDocument, cold: Bool) throws {
    self.document = document
    if cold { Self.dropPages(try Model(path: document.model).folder.files.map(\.path)) }
    var start = ContinuousClock.now
    model = try Model(path: document.model)
    openSeconds = start.duration(to: .now).seconds
    start = .now
    _ = model.folder.modelHash()
    hashSeconds = start.duration(to: .now).seconds
  }

  /// A time of all weights read once and widened to float32.
  struct Reading {
    /// Of all bytes those in memory before, as far as the system tells.
    let residentBefore: Double?
    let seconds: Double
  }

  struct Outcome {
    let model: Model
    let ranks: Int
    let openSeconds: Double
    let hashSeconds: Double
    let readings: [Reading]
  }

  /// The table or JSON. Collective: every rank maps and reads all files.
  public func run(_ session: Session, json: Bool) throws -> String {
    let communicator = session.communicator
    let backend = try Resources(document, model: model, session: session).backend
    let readings = try (0..<2).map { _ in try reading(communicator, backend) }
    let outcome = Outcome(
      model: model, ranks: communicator.size, openSeconds: try communicator.maximum(of: openSeconds),
      hashSeconds: try communicator.maximum(of: hashSeconds), readings: readings)
    return json ? outcome.json : outcome.table
  }

  private func reading(_ communicator: any Communicator, _ backend: any ComputeBackend) throws -> Reading {
    let resident = residentShare()
    try communicator.barrier()
    let start = ContinuousClock.now
    let seconds = try together(communicator) {
      for (_, specification) in model.specifications {
        let tensor = try model.tensor(specification)
        let columns = specification.shape.dropFirst().reduce(1, *)
        // As much at a time as a layer's matrices have.
        let step = max(1, Self.elementsAtOnce / max(1, columns))
        let scratch = try backend.makeMatrix(min(step, specification.shape[0]), columns)
        for first in stride(from: 0, to: specification.shape[0], by: step) {
          let rows = first..<min(first + step, specification.shape[0])
          try backend.load(tensor, rows: rows, into: scratch.rows(0..<rows.count))
        }
      }
      return start.duration(to: .now).seconds
    }
    return Reading(residentBefore: resident, seconds: try communicator.maximum(of: seconds))
  }

  private func together(_ communicator: any Communicator, _ body: () throws -> Double) throws -> Double {
    try communicator.together(exitCode: ExitCode.code(for:), body)
  }

  /// Of all bytes of weights those that are in memory; nil where the system does not tell.
  private func residentShare() -> Double? {
    var bytes = 0
    for (_, specification) in model.specifications {
      guard let resident = try? model.tensor(specification).residentBytes() else { return nil }
      bytes += resident
    }
    return Double(bytes) / Double(max(1, model.folder.totalBytes))
  }

  /// 64 MiB in float32.
  private static let elementsAtOnce = 1 << 24

  /// Asks the system to drop files' pages. It keeps those that a process has mapped and touched.
  private static func dropPages(_ paths: [String]) {
    for path in paths {
      let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
      guard file >= 0 else { continue }
      // Pages that are not yet written are kept too.
      _ = fsync(file)
      _ = posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
      close(file)
    }
  }
}

extension LoadingBenchmark.Outcome {
  private var bytes: Int { model.folder.totalBytes }
  private static let names = ["first", "second"]

  /// For people.
  var table: String {
    var table = BenchmarkTable()
    table.facts(
      [
        ("model", model.folder.path),
        ("size", ByteSize(bytes: bytes).rounded + " in \(TableNumber.counted(model.folder.files.count, "file"))"),
        ("ranks", TableNumber.counted(ranks, "rank")),
        ("open", BenchmarkTable.time(openSeconds) + ": configuration, headers, every tensor's place and shape"),
        ("hash", BenchmarkTable.time(hashSeconds) + ": the model's identity, from a little of every file"),
        ("start-up", BenchmarkTable.time(openSeconds + hashSeconds) + " before the first computation"),
      ]
        + zip(Self.names, readings).map { name, reading in
          let resident =
            reading.residentBefore.map { BenchmarkTable.share($0) + " in memory before" }
            ?? "the system does not tell what was in memory before"
          let rate = TableNumber.rate(Double(bytes) / reading.seconds / 1e9)
          return ("\(name) reading", "\(BenchmarkTable.time(reading.seconds)), \(rate) GB/s; \(resident)")
        })
    return table.text
  }

  /// One JSON object; null stands for what the system does not tell.
  var json: String {
    JSONValue.object([
      "model": .string(model.folder.path), "mapped_bytes": .integer(Int64(bytes)),
      "files": .integer(Int64(model.folder.files.count)), "ranks": .integer(Int64(ranks)),
      "open_seconds": .number(openSeconds), "hash_seconds": .number(hashSeconds),
      "startup_seconds": .number(openSeconds + hashSeconds),
      "readings": .array(
        readings.map { reading in
          [
            "seconds": .number(reading.seconds), "bytes_per_second": .number(Double(bytes) / reading.seconds),
            "resident_share_before": reading.residentBefore.map(JSONValue.number) ?? .null,
          ]
        }),
    ]).prettyText
  }
}
