internal import Compute
internal import Tensors

/// How fast this rank multiplies, measured in about a twentieth of a second: enough to foretell a run by.
struct ProductRates {
  /// Floating-point operations per second in the type that the run multiplies weights in.
  let rate: Double
  /// The same in float32.
  let measuringRate: Double

  /// All ranks multiply at once; the slowest counts. Collective.
  init(_ resources: Resources, session: Session) throws {
    let timer = KernelTimer(communicator: session.communicator, repeats: 3)
    rate = try Self.rate(resources.backend, resources.weightType, timer)
    measuringRate =
      resources.backend === resources.measuringBackend
      ? rate : try Self.rate(resources.measuringBackend, .float32, timer)
  }

  /// A small product first: a backend that is slow is not asked for a larger one.
  private static func rate(_ backend: any ComputeBackend, _ type: ElementType, _ timer: KernelTimer) throws -> Double {
    let small = try rate(backend, type, size: 128, timer)
    let result = small.seconds > patience ? small : try rate(backend, type, size: 1024, timer)
    backend.releaseUnusedMemory()
    return result.rate
  }

  /// Seconds for the small product beyond which the large one would take a second.
  private static let patience = 0.002

  private static func rate(
    _ backend: any ComputeBackend, _ type: ElementType, size: Int, _ timer: KernelTimer
  ) throws -> (rate: Double, seconds: Double) {
    let (a, c) = (try backend.makeNoise(size, size), try backend.makeMatrix(size, size))
    let b = try backend.makeNoiseWeight(size, size, type)
    let seconds = try timer.seconds { backend.multiply(a, .none, b, .transposed, into: c, adding: false) }
    let operations = 2 * Double(size) * Double(size) * Double(size)
    return (operations / seconds, seconds)
  }
}
