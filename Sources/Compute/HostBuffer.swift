internal import Glibc

/// Host memory for float32 numbers, aligned to cache lines; the buffer of every backend that computes on the CPU.
///
/// Freed memory goes back to its pool and is reused for a buffer of the same size class, because a layer's activations
/// are asked for again with every microbatch and the kernel would clear those pages each time.
@safe public final class HostBuffer: DeviceBuffer {
  public let count: Int
  let base: UnsafeMutablePointer<Float>
  private let capacity: Int
  private let pool: HostMemoryPool

  fileprivate init(count: Int, capacity: Int, base: UnsafeMutablePointer<Float>, pool: HostMemoryPool) {
    self.count = count
    self.capacity = capacity
    unsafe self.base = base
    self.pool = pool
  }

  deinit { unsafe pool.takeBack(base, capacity: capacity) }

  /// Its numbers; valid while the buffer lives.
  @unsafe public var pointer: UnsafeMutablePointer<Float> { unsafe base }
}

/// Where host buffers come from. Not shared between threads.
@safe public final class HostMemoryPool {
  private var free: [Int: [UnsafeMutablePointer<Float>]] = unsafe [:]
  private static let alignment = 64

  /// Bytes in buffers that are in use now.
  public private(set) var bytesInUse = 0
  /// The most that `bytesInUse` has been.
  public private(set) var peakBytes = 0

  public init() {}

  deinit { trim() }

  /// A buffer of `count` zeros.
  public func makeBuffer(count: Int) throws(ComputeError) -> HostBuffer {
    let capacity = Self.sizeClass(count)
    let base: UnsafeMutablePointer<Float>
    if let reused = unsafe free[capacity]?.popLast() {
      unsafe base = reused
    } else {
      var raw: UnsafeMutableRawPointer?
      guard unsafe posix_memalign(&raw, Self.alignment, capacity * MemoryLayout<Float>.stride) == 0,
        let raw = unsafe raw
      else {
        throw ComputeError(
          "cannot allocate \(capacity * 4) bytes of memory; lower resources.microbatch or run on more ranks")
      }
      unsafe base = raw.bindMemory(to: Float.self, capacity: capacity)
    }
    unsafe base.initialize(repeating: 0, count: count)
    bytesInUse += capacity * MemoryLayout<Float>.stride
    peakBytes = max(peakBytes, bytesInUse)
    return unsafe HostBuffer(count: count, capacity: capacity, base: base, pool: self)
  }

  /// Gives memory that no buffer uses back to the system, as between two phases.
  public func trim() {
    unsafe free.values.joined().forEach { unsafe Glibc.free($0) }
    unsafe free.removeAll()
  }

  fileprivate func takeBack(_ base: UnsafeMutablePointer<Float>, capacity: Int) {
    bytesInUse -= capacity * MemoryLayout<Float>.stride
    unsafe free[capacity, default: []].append(base)
  }

  /// Rounds up to one of eight sizes per power of two, so that at most an eighth is wasted and reuse is likely.
  private static func sizeClass(_ count: Int) -> Int {
    guard count > 256 else { return 256 }
    let step = 1 << max(0, Int.bitWidth - 1 - count.leadingZeroBitCount - 3)
    return (count + step - 1) / step * step
  }
}
