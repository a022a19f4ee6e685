internal import Architectures
public import Artifacts
internal import Blueprints
internal import Calibration
internal import Communication
internal import Compute
internal import Saliency

/// Times scoring passes over random token ids, for `espalier bench scoring`.
public struct ScoringBenchmark {
  public static let defaultRepeats = 3
  /// Runs of each product that the peak is the best of.
  private static let peakRepeats = 3

  private let inputs: Inputs
  private let repeats: Int
  private let sweeps: Bool

  /// - Parameters:
  ///   - document: the run; its calibration says how many sequences of how many tokens, its text is not read.
  ///   - repeats: passes of each size, of which the median counts.
  ///   - sweeps: whether parts of the sequences, of their length and of the layers are timed too.
  /// - Throws: what is wrong with the model, or a criterion that makes no pass.
  public init(_ document: RunDocument, repeats: Int, sweeps: Bool) throws {
    guard document.scoring.criterion.usesCalibration else {
      throw RunDocumentError(
        .invalidValue,
        "scoring.criterion: \(document.scoring.criterion.rawValue) makes no pass to time; set ntk or taylor")
    }
    (self.repeats, self.sweeps) = (repeats, sweeps)
    inputs = try Inputs(document, needs: [])
  }

  /// The passes of one size.
  struct Point {
    let sequences: Int
    let length: Int
    let layers: Int
    /// Of each pass, on the slowest rank.
    let seconds: [Double]
    /// Of the rank that took most.
    let peakBytes: Int
    /// Of all ranks together.
    let arithmetic: ScoringArithmetic

    var tokens: Int { sequences * length }
    var median: Double { seconds.sorted()[seconds.count / 2] }
  }

  /// What is varied in a sweep.
  enum Axis: String, CaseIterable { case sequences, length, layers }

  struct Outcome {
    let document: RunDocument
    let model: Model
    let backend: String
    let threads: Int
    let ranks: Int
    let whole: Point
    let sweep: [(axis: Axis, points: [Point])]
    /// Floating-point operations per second of all ranks in products alone: the median of what was measured before and
    /// after the passes.
    let peak: Double
  }

  /// The table or JSON. Collective.
  public func run(_ session: Session, json: Bool) throws -> String {
    try session.communicator.requireAgreement(
      on: "benchmark", digest: "\(repeats) repeats, \(sweeps ? "with" : "without") a sweep")
    let (count, length) = (inputs.document.calibration.sequences, inputs.document.calibration.length)
    let layers = inputs.model.blueprint.layers.count
    let run = try Run(inputs, session: session, documentPath: nil)
    try run.scoreStage.checkMemory(part(sequences: count, length: length, layers: layers))
    run.announce()

    let timer = KernelTimer(communicator: session.communicator, repeats: Self.peakRepeats)
    func peak() throws -> Double {
      try ProductPeak(run.resources.backend, weights: run.resources.weightType, timer: timer).rate
    }
    var peaks = [try peak()]
    let whole = try measure(part(sequences: count, length: length, layers: layers), in: run)
    peaks.append(try peak())
    var sweep: [(axis: Axis, points: [Point])] = []
    // Layers of several stacks cannot be left out.
    let axes = Axis.allCases.filter { sweeps && ($0 != .layers || inputs.model.blueprint.stacks.count == 1) }
    for axis in axes {
      let (full, least) =
        switch axis {
        case .sequences: (count, 1)
        case .length: (length, 2)
        case .layers: (layers, 1)
        }
      let parts = Set((1...3).map { max(least, full * $0 / 4) }).filter { $0 < full }.sorted()
      let points = try parts.map { size in
        try measure(
          part(
            sequences: axis == .sequences ? size : count, length: axis == .length ? size : length,
            layers: axis == .layers ? size : layers), in: run)
      }
      sweep.append((axis, points + [whole]))
      peaks.append(try peak())
    }
    let outcome = Outcome(
      document: inputs.document, model: inputs.model, backend: run.resources.backend.name,
      threads: run.resources.threads, ranks: session.communicator.size, whole: whole, sweep: sweep,
      peak: peaks.sorted()[peaks.count / 2] * Double(session.communicator.size))
    return json ? outcome.json : outcome.table
  }

  /// Passes over these inputs, as `espalier score` makes them.
  private func measure(_ inputs: Inputs, in run: Run) throws -> Point {
    let communicator = run.session.communicator
    let settings = ScoringSettings(inputs.document.scoring)
    PeakMemory.forget()
    var seconds: [Double] = []
    for _ in 0..<repeats {
      let recorder = PhaseRecorder(run.session, backends: run.resources.backends)
      try communicator.barrier()
      _ = try ScoreStage(session: run.session, resources: run.resources, recorder: recorder).run(inputs)
      seconds.append(try communicator.maximum(of: recorder.seconds(of: "score")))
    }
    let peak = Int(try communicator.maximum(of: Double(PeakMemory.bytes)))
    let lengths = inputs.sequences.map(\.count)
    return Point(
      sequences: lengths.count, length: lengths.first ?? 0, layers: inputs.model.blueprint.layers.count,
      seconds: seconds, peakBytes: peak,
      arithmetic: ScoringArithmetic(
        inputs.model.blueprint, lengths: lengths, objective: settings.objective,
        recomputed: try run.scoreStage.recomputedShare(inputs)))
  }

  /// The inputs with random ids, and with the model's first layers alone.
  private func part(sequences: Int, length: Int, layers: Int) -> Inputs {
    var inputs = inputs
    let seed = inputs.document.calibration.seed
    var generator = SplitMix64(seed: seed)
    let vocabulary = UInt64(inputs.model.blueprint.vocabularySize)
    let ids = (0..<sequences).map { _ in (0..<length).map { _ in Int32(generator.next() % vocabulary) } }
    inputs.calibration = CalibrationSet(text: [], seed: seed, sequences: ids)
    if layers < inputs.model.blueprint.layers.count { inputs.model = inputs.model.keepingFirstLayers(layers) }
    return inputs
  }
}
