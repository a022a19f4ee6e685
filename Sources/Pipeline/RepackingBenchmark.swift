internal import Architectures
public import Artifacts
internal import Blueprints
internal import Checkpoints
internal import Foundation
internal import Repacking
internal import Saliency

/// Times the cut by a random plan, for `espalier bench repacking`.
public struct RepackingBenchmark {
  private let inputs: Inputs
  /// What is removed at the end: the output, or the folder that had to be made for it.
  private let removed: String

  /// - Parameter document: the run; its scores are drawn by `scoring.seed`, nothing is read but the model.
  /// - Throws: what is wrong with the model, or an output that exists: the benchmark removes what it writes.
  public init(_ document: RunDocument) throws {
    let output = document.output
    guard !FileManager.default.fileExists(atPath: output) else {
      throw CheckpointError(
        .outputExists, "cannot write to \(output): it exists, and bench repacking removes its output; name a new folder"
      )
    }
    let parent = URL(filePath: output).deletingLastPathComponent().path
    removed = FileManager.default.fileExists(atPath: parent) ? output : parent
    inputs = try Inputs(document, needs: [])
  }

  /// The table or JSON. Collective; rank 0 removes what was written.
  public func run(_ session: Session, json: Bool) throws -> String {
    let run = try Run(inputs, session: session, documentPath: nil)
    try run.checkFeasibility()
    let blueprint = inputs.model.blueprint
    let scorer = Scorer(blueprint: blueprint, backend: run.resources.backend, communicator: session.communicator)
    let metadata = ScoreTable.Metadata(
      criterion: "random", objective: "", accumulation: "", modelHash: inputs.modelHash, dataHash: "")
    let scores = scorer.scoreRandomly(seed: inputs.document.scoring.seed)
    let plan = try session.together { try run.makePlan(ScoreTable(layers: scores, metadata: metadata)) }
    try run.note(plan)
    var prepared = try run.prepareOutput()
    run.announce()
    do {
      try run.repack(inputs.model, plan: plan, to: inputs.document.output, into: prepared)
      prepared = nil
    } catch {
      prepared?.discard()
      throw error
    }
    try run.onFirst { try FileManager.default.removeItem(atPath: removed) }
    let report = try run.finishedReport()
    return json ? Self.json(report) : Self.table(report)
  }

  private static func seconds(_ report: RunReport) -> Double { report.phases.map(\.secondsMax).max() ?? 0 }

  private static func table(_ report: RunReport) -> String {
    let seconds = seconds(report)
    var table = BenchmarkTable()
    func line(_ bytes: Int) -> String {
      "\(ByteSize(bytes: bytes).rounded), \(TableNumber.rate(Double(bytes) / seconds / 1e6)) MB/s"
    }
    table.facts([
      ("model", report.model.path), ("ranks", TableNumber.counted(report.resources.ranks, "rank")),
      ("sparsity", TableNumber.percent(report.sparsity?.achieved ?? 0)), ("time", BenchmarkTable.time(seconds)),
      ("read", line(report.bytes?.before ?? 0)), ("written", line(report.bytes?.after ?? 0)),
      ("peak memory", ByteSize(bytes: report.peakBytes.max() ?? 0).rounded + " of a rank"),
    ])
    return table.text
  }

  private static func json(_ report: RunReport) -> String {
    let seconds = seconds(report)
    let (read, written) = (report.bytes?.before ?? 0, report.bytes?.after ?? 0)
    return JSONValue.object([
      "model": .string(report.model.path), "ranks": .integer(Int64(report.resources.ranks)),
      "sparsity": .number(report.sparsity?.achieved ?? 0), "seconds": .number(seconds),
      "read_bytes": .integer(Int64(read)), "written_bytes": .integer(Int64(written)),
      "read_bytes_per_second": .number(Double(read) / seconds),
      "written_bytes_per_second": .number(Double(written) / seconds),
      "peak_bytes": .integer(Int64(report.peakBytes.max() ?? 0)),
    ]).prettyText
  }
}
