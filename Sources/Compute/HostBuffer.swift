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
  /// The most that `bytesInUse` has been since the last `takePeak`.
  public private(set) var peakBytes = 0
  /// The most that `bytesInUse` has been since the last `trim`.
  private var highestBytes = 0
  /// Bytes that wait for their next use.
  private var freeBytes = 0

  public init() {}

  deinit { trim() }

  /// A buffer of `count` zeros, or of whatever numbers its memory had before.
  public func makeBuffer(count: Int, isZeroed: Bool = true) throws(ComputeError) -> HostBuffer {
    let capacity = Self.sizeClass(count)
    let bytes = Self.byteCount(capacity)
    let base: UnsafeMutablePointer<Float>
    if let reused = unsafe free[capacity]?.popLast() {
      unsafe base = reused
      freeBytes -= bytes
    } else {
      giveBack(for: bytes)
      var raw: UnsafeMutableRawPointer?
      guard unsafe posix_memalign(&raw, Self.alignment, bytes) == 0, let raw = unsafe raw else {
        throw ComputeError("cannot allocate \(bytes) bytes of memory; lower resources.microbatch or run on more ranks")
      }
      unsafe base = raw.bindMemory(to: Float.self, capacity: capacity)
    }
    if isZeroed { unsafe base.initialize(repeating: 0, count: count) }
    bytesInUse += bytes
    peakBytes = max(peakBytes, bytesInUse)
    highestBytes = max(highestBytes, bytesInUse)
    return unsafe HostBuffer(count: count, capacity: capacity, base: base, pool: self)
  }

  /// The most bytes in use since the last call, or ever; counting starts again from what is in use now.
  public func takePeak() -> Int {
    defer { peakBytes = bytesInUse }
    return peakBytes
  }

  /// Gives memory that no buffer uses back to the system, as between two phases.
  public func trim() {
    unsafe free.values.joined().forEach { unsafe Glibc.free($0) }
    unsafe free.removeAll()
    freeBytes = 0
    highestBytes = bytesInUse
  }

  /// Makes room for a new buffer: memory kept for buffers of other sizes goes back to the system when the pool would
  /// hold an eighth more than was in use at any time, so that what it keeps for speed does not add to what a run needs.
  private func giveBack(for bytes: Int) {
    let most = max(highestBytes, bytesInUse + bytes)
    guard bytesInUse + freeBytes + bytes > most + most / 8 else { return }
    for capacity in unsafe free.keys.sorted(by: >) {
      while bytesInUse + freeBytes + bytes > most, let base = unsafe free[capacity]?.popLast() {
        unsafe Glibc.free(base)
        freeBytes -= Self.byteCount(capacity)
      }
    }
  }

  fileprivate func takeBack(_ base: UnsafeMutablePointer<Float>, capacity: Int) {
    bytesInUse -= Self.byteCount(capacity)
    freeBytes += Self.byteCount(capacity)
    unsafe free[capacity, default: []].append(base)
  }

  private static func byteCount(_ capacity: Int) -> Int { capacity * MemoryLayout<Float>.stride }

  /// Rounds up to one of eight sizes per power of two, so that at most an eighth is wasted and reuse is likely.
  private static func sizeClass(_ count: Int) -> Int {
    guard count > 256 else { return 256 }
    let step = 1 << max(0, Int.bitWidth - 1 - count.leadingZeroBitCount - 3)
    return (count + step - 1) / step * step
  }
}
