internal import Compute
internal import Foundation

/// How fast memory is read and written: what the speeds of loops over vectors are shares of.
struct MemoryBandwidth {
  /// Bytes read and written per second by one rank, while all ranks are at it: the larger of the two.
  var rate: Double { max(copyRate, addRate) }
  /// Of `memcpy` by all threads of the rank.
  let copyRate: Double
  /// Of the backend's y += s · x, which is what STREAM (McCalpin, 1995) calls a triad in two arrays.
  let addRate: Double
  /// Bytes of a buffer.
  let bufferBytes: Int

  /// Measures buffers far larger than the last cache. Collective.
  init(_ backend: any ComputeBackend, threads: Int, timer: KernelTimer) throws {
    let count = min(max(Self.leastBytes, 4 * Self.lastCacheBytes), Self.mostBytes) / MemoryLayout<Float>.stride
    bufferBytes = count * MemoryLayout<Float>.stride
    let columns = 1 << 12
    let (x, y) = (try backend.makeNoise(count / columns, columns), try backend.makeNoise(count / columns, columns))
    addRate = 3 * Double(bufferBytes) / (try timer.seconds { backend.add(x, to: y, scale: 0.5) })
    backend.releaseUnusedMemory()
    copyRate = 2 * Double(bufferBytes) / (try Self.secondsToCopy(bufferBytes, threads: threads, timer: timer))
  }

  /// As Linux tells it, such as `32768K`; 0 where it does not. The C library's number counts a cache once per thread on some
  /// processors.
  private static var lastCacheBytes: Int {
    let text = try? String(contentsOfFile: "/sys/devices/system/cpu/cpu0/cache/index3/size", encoding: .utf8)
    return text.flatMap { Int($0.prefix { $0.isNumber }) }.map { $0 << 10 } ?? 0
  }

  private static let leastBytes = 128 << 20
  private static let mostBytes = 1 << 30

  private static func secondsToCopy(_ byteCount: Int, threads: Int, timer: KernelTimer) throws -> Double {
    let source = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    let target = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    defer {
      unsafe source.deallocate()
      unsafe target.deallocate()
    }
    // Pages that were never written are all the same page.
    unsafe _ = source.initializeMemory(as: UInt8.self, repeating: 1)
    unsafe _ = target.initializeMemory(as: UInt8.self, repeating: 1)
    nonisolated(unsafe) let (from, to) = unsafe (source, target)
    let part = (byteCount + threads - 1) / threads
    return try timer.seconds {
      DispatchQueue.concurrentPerform(iterations: threads) { thread in
        let range = min(byteCount, thread * part)..<min(byteCount, (thread + 1) * part)
        unsafe UnsafeMutableRawBufferPointer(rebasing: to[range]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: from[range]))
      }
    }
  }
}
