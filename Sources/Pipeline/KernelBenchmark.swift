internal import Architectures
public import Artifacts
internal import Communication
internal import Compute

/// Times the backend's products and loops in the shapes that models have, for `espalier bench kernels`.
public struct KernelBenchmark {
  public static let defaultTokens = 512
  /// Activations of a gigabyte or two in the widest layers that are published.
  public static let maximumTokens = 16_384
  public static let defaultRepeats = 5

  private let document: RunDocument
  /// The model that gives the shapes; nil for published ones.
  private let model: Model?
  private let shapes: [KernelShape]
  private let tokens: Int
  private let repeats: Int

  /// - Parameters:
  ///   - document: says which backend and how many threads; its model is read when `hasModel`.
  ///   - hasModel: whether the document's model gives the shapes, or two published ones do.
  ///   - tokens: in a batch, which is one sequence.
  ///   - repeats: runs of each kernel, of which the best counts.
  /// - Throws: what is wrong with the model.
  public init(_ document: RunDocument, hasModel: Bool, tokens: Int, repeats: Int) throws {
    self.document = document
    self.tokens = tokens
    self.repeats = repeats
    model = hasModel ? try Model(path: document.model) : nil
    shapes = try model.map { [try KernelShape($0)] } ?? KernelShape.published
  }

  /// One kernel's time in one direction.
  struct Row {
    enum Direction: String, CaseIterable {
      case forward
      /// Of a product: the gradient of its input. Of a loop: all that its backward pass computes.
      case backward
      case weightGradient = "weight_gradient"
    }
    /// What limits it.
    enum Work {
      /// Floating-point operations.
      case operations(Double)
      /// Bytes read and written.
      case bytes(Double)
    }
    let name: String
    let direction: Direction
    /// `[token, in, out]` of a product, `[token, width]` of a loop.
    let shape: [Int]
    let work: Work
    let seconds: Double
  }

  struct Outcome {
    let backend: String
    let threads: Int
    let ranks: Int
    let tokens: Int
    let repeats: Int
    let peak: ProductPeak
    let bandwidth: MemoryBandwidth
    let models: [(shape: KernelShape, rows: [Row])]
  }

  /// The table or JSON. Collective.
  public func run(_ session: Session, json: Bool) throws -> String {
    let names = shapes.map(\.name).joined(separator: ", ")
    try session.communicator.requireAgreement(
      on: "benchmark", digest: "\(tokens) tokens, \(repeats) repeats, \(names)")
    let resources = try Resources(document, model: model, session: session)
    let timer = KernelTimer(communicator: session.communicator, repeats: repeats)
    let peak = try ProductPeak(resources.backend, weights: resources.weightType, timer: timer)
    let bandwidth = try MemoryBandwidth(resources.backend, threads: resources.threads, timer: timer)
    let models = try shapes.map { shape in
      let bench = KernelMeasurements(
        shape: shape, tokens: tokens, backend: resources.backend, weightType: resources.weightType, timer: timer)
      return (shape, try bench.products() + bench.attention() + bench.loops())
    }
    let outcome = Outcome(
      backend: resources.backend.name, threads: resources.threads, ranks: session.communicator.size, tokens: tokens,
      repeats: repeats, peak: peak, bandwidth: bandwidth, models: models)
    return json ? outcome.json : outcome.table
  }
}
