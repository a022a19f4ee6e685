internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Checkpoints
internal import Communication
internal import LayerStreaming

/// An estimate for people, and as JSON.
struct EstimateOutcome {
  let estimate: RunEstimate
  let document: RunDocument
  let cores: Int
  let isMeasured: Bool
  /// Gb/s and MB/s.
  let link: Double
  let disk: Double
  private let phases: [PhaseEstimate]

  init(
    _ estimate: RunEstimate, document: RunDocument, cores: Int, isMeasured: Bool, link: Double, disk: Double
  ) {
    self.estimate = estimate
    self.document = document
    self.cores = cores
    self.isMeasured = isMeasured
    self.link = link
    self.disk = disk
    phases = estimate.phases
  }

  private var cluster: Cluster { estimate.cluster }
  private var seconds: Double { phases.reduce(0) { $0 + $1.seconds } }
  private var memory: Int { phases.map(\.memoryBytes).max() ?? 0 }

  /// Whether the ranks of a node fit its memory; nil where that is not known.
  private var fits: Bool? { cluster.memory.map { Double(memory) * Double(cluster.ranksPerNode) <= Double($0) } }

  /// What the user should know, one line each.
  private var warnings: [String] {
    var warnings = estimate.model.warnings + estimate.workload.warnings
    if fits == false, let most = cluster.memory {
      let needed = ByteSize(bytes: Int(min(Double(memory) * Double(cluster.ranksPerNode), 0x1p62)))
      warnings.append(
        "does not fit: the ranks of a node need \(needed.rounded) of \(ByteSize(bytes: most).rounded); use more nodes, "
          + "fewer ranks on each, or a lower resources.memory-limit, below which activations go to a file")
    }
    if let limit = document.resources.memoryLimit, memory > limit.bytes {
      warnings.append(
        "resources.memory-limit: \(limit) per rank is too little, about \(ByteSize(bytes: memory).rounded) is needed")
    }
    return warnings
  }

  var table: String {
    let model = estimate.model
    let rate = TableNumber.rate(cluster.measuringRate / 1e9 / Double(cores))
    var table = BenchmarkTable()
    table.facts([
      (
        "model",
        "\(document.model): \(TableNumber.grouped(model.parameterCount)) parameters, "
          + ByteSize(bytes: model.byteCount).rounded
      ),
      (
        "machines",
        "\(TableNumber.counted(cluster.nodes, "node")) of \(TableNumber.counted(cluster.ranksPerNode, "rank"))"
          + " with \(TableNumber.counted(cores, "core"))"
          + (cluster.memory.map { ", " + ByteSize(bytes: $0).rounded } ?? "")
      ),
      (
        "speed",
        "\(rate) GFLOP/s per core in float32 (\(isMeasured ? "measured here" : "as given")), "
          + (cluster.usesBFloat16 ? "bf16 in products with weights" : "float32 everywhere")
      ),
      (
        "transfer",
        "link \(TableNumber.rate(link)) Gb/s (\(cluster.collectives.rawValue)), disk \(TableNumber.rate(disk)) MB/s, "
          + "weights from " + (cluster.broadcasts ? "their owners" : "files")
      ),
    ])
    table.columns(
      [["phase", "time", "bound by", "memory", "a rank moves", "all links", "read", "written"]]
        + phases.map { row($0) } + [total])
    if !warnings.isEmpty { table.note(warnings.map { "warning: \($0)" }) }
    return table.text
  }

  private func row(_ phase: PhaseEstimate) -> [String] {
    [
      phase.name, Console.time(phase.seconds), phase.bound.rawValue, ByteSize(bytes: phase.memoryBytes).rounded,
      Self.bytes(phase.rankBytes), Self.bytes(phase.linkBytes), Self.bytes(phase.readBytes),
      Self.bytes(phase.writtenBytes),
    ]
  }

  private var total: [String] {
    func sum(_ part: (PhaseEstimate) -> Double) -> String { Self.bytes(phases.reduce(0) { $0 + part($1) }) }
    return [
      "total", Console.time(seconds), "", ByteSize(bytes: memory).rounded, sum(\.rankBytes), sum(\.linkBytes),
      sum(\.readBytes), sum(\.writtenBytes),
    ]
  }

  private static func bytes(_ count: Double) -> String {
    count > 0 ? ByteSize(bytes: Int(min(count, 0x1p62))).rounded : "–"
  }

  /// The steps of a scoring pass: bytes of weights and the rank that has them, seconds with them, and bytes of gradients
  /// that are summed onto that rank afterwards.
  private var schedule: [JSONValue] {
    guard let text = estimate.workload.calibration else { return [] }
    let (schedule, blueprint) = (estimate.scoringSchedule(text), estimate.model.blueprint)
    let isSummed = document.scoring.accumulation == .signed && cluster.ranks > 1
    func step(_ group: WeightGroup, _ seconds: Double, gradients: Int) -> JSONValue {
      .object([
        "bytes": .integer(Int64(estimate.model.byteCount(of: group))), "seconds": .number(seconds),
        "owner": .integer(Int64(Partition(ranks: cluster.ranks).owner(of: group, in: blueprint))),
        "gradient_bytes": .integer(Int64(gradients)),
      ])
    }
    return schedule.forward.map { step($0.group, $0.seconds, gradients: 0) }
      + schedule.backward.map {
        step($0.group, $0.seconds, gradients: isSummed ? estimate.float32Bytes(of: $0.group) : 0)
      }
  }

  var json: String {
    func number(_ value: Double) -> JSONValue { .number(value) }
    func integer(_ value: Double) -> JSONValue { .integer(Int64(min(value, 0x1p62))) }
    let rows = phases.map { phase -> JSONValue in
      .object([
        "name": .string(phase.name), "seconds": number(phase.seconds), "bound": .string(phase.bound.rawValue),
        "compute_seconds": number(phase.computeSeconds), "link_seconds": number(phase.linkSeconds),
        "disk_seconds": number(phase.diskSeconds), "memory_bytes": .integer(Int64(phase.memoryBytes)),
        "rank_bytes": integer(phase.rankBytes), "link_bytes": integer(phase.linkBytes),
        "read_bytes": integer(phase.readBytes), "written_bytes": integer(phase.writtenBytes),
      ])
    }
    let machines: JSONValue = .object([
      "nodes": .integer(Int64(cluster.nodes)), "ranks_per_node": .integer(Int64(cluster.ranksPerNode)),
      "cores": .integer(Int64(cores)), "rank_flops": number(cluster.rate),
      "rank_flops_float32": number(cluster.measuringRate), "is_measured": .bool(isMeasured),
      "bfloat16": .bool(cluster.usesBFloat16), "link_bytes_per_second": number(cluster.linkRate),
      "disk_bytes_per_second": number(cluster.diskRate),
      "memory_bytes": cluster.memory.map { .integer(Int64($0)) } ?? .null,
      "collectives": .string(cluster.collectives.rawValue),
      "weights": .string(cluster.broadcasts ? "owner" : "files"),
    ])
    return JSONValue.object([
      "scoring_schedule": .array(schedule), "model": .string(document.model),
      "parameters": .integer(Int64(estimate.model.parameterCount)),
      "bytes": .integer(Int64(estimate.model.byteCount)), "machines": machines, "phases": .array(rows),
      "seconds": number(seconds), "memory_bytes": .integer(Int64(memory)),
      "fits": fits.map { .bool($0) } ?? .null, "warnings": .array(warnings.map { .string($0) }),
    ]).prettyText
  }
}
