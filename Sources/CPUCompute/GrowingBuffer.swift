internal import Compute

/// Room that products in bf16 need beside their operands, kept from one to the next.
final class GrowingBuffer {
  private var buffer: HostBuffer?

  /// Makes room for so many bytes; what was there is lost when it grows.
  func reserve(_ bytes: Int, from pool: HostMemoryPool) {
    let count = (bytes + 3) / 4
    guard count > 0, buffer.map({ $0.count < count }) ?? true else { return }
    // The smaller one makes room first.
    buffer = nil
    guard let made = try? pool.makeBuffer(count: count, isZeroed: false) else {
      preconditionFailure("no memory for \(bytes) bytes that a product in bf16 needs")
    }
    buffer = made
  }

  /// The first byte, valid until more is reserved; nil when nothing was.
  @unsafe var start: UnsafeMutableRawPointer? { unsafe buffer.map { unsafe UnsafeMutableRawPointer($0.pointer) } }
}
