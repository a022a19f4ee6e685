import Artifacts
import CPUCompute
import Compute
import Pipeline
import Synchronization

/// Makes backends, the only place that names concrete ones, and makes sure that products can run: the libraries under them
/// wait without end for threads and memory that the system does not give.
enum ComputeStart {
  /// Threads that products have run with.
  private static let proven = Mutex(0)
  /// Seconds in which a first product is long over on any machine.
  private static let patience = 60.0

  /// - Throws: ``ProcessLimitError`` when threads cannot be started or memory cannot be had.
  static func backend(_ name: BackendName, threads: Int, usesBFloat16: Bool) throws -> any ComputeBackend {
    guard name == .cpu else { return ReferenceBackend() }
    return try proven.withLock { proven in
      guard threads > proven else { return CPUBackend(threads: threads, usesBFloat16: usesBFloat16) }
      let new = max(0, threads - CPUBackend.productThreads)
      // Loops have threads of their own, of which no more run than there are processors.
      let loops = min(threads, ProcessorShare.ofThisProcess.count)
      try ProcessLimits.require(
        threads: new + loops, buffers: new + (proven == 0 ? 1 : 0), bufferBytes: CPUBackend.bytesPerThread,
        remedy: threads > 1
          ? "lower resources.threads (here \(threads))"
          : CPUBackend.productThreads > 1 ? "set OPENBLAS_NUM_THREADS=1" : nil)
      let backend = CPUBackend(threads: threads, usesBFloat16: usesBFloat16)
      try Deadline.run(within: patience, late: end) { try multiply(backend) }
      proven = threads
      return backend
    }
  }

  /// A product that is large enough for many threads.
  private static func multiply(_ backend: CPUBackend) throws {
    let size = 256
    let (a, b, c) = (
      try backend.makeMatrix(size, size), try backend.makeMatrix(size, size), try backend.makeMatrix(size, size)
    )
    for matrix in [a, b] { backend.fill(matrix, with: 0) }
    backend.multiply(a, .none, b, .none, into: c, adding: false)
    backend.releaseUnusedMemory()
  }

  private static let end: @Sendable () -> Void = {
    Launch.leave(
      ProcessLimitError(
        "a first product did not end within \(Int(patience)) s: OpenBLAS waits for threads or memory that the system does "
          + "not give (ulimit -u, ulimit -v, pids.max); raise them, or lower resources.threads"))
  }
}
