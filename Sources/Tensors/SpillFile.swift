import Glibc
import Synchronization

/// An anonymous file of floats, for data beyond the memory limit.
///
/// It is unlinked as soon as it is made, so that not even a kill leaves it behind, and its space is reserved, so that a
/// full disk shows when it is made and not in the middle of a run. Reads and writes go through the page cache, which
/// keeps hot data in memory, and a failing disk is an error. Threads may use disjoint regions at the same time.
public final class SpillFile: Sendable {
  /// The folder that the file's space is in.
  public let folder: String
  /// The floats that the file has room for.
  public let floatCount: Int
  private let descriptor: Int32

  private static let counter = Atomic<Int>(0)

  /// Reserves `byteCount` bytes, all zero, in `folder`.
  ///
  /// - Throws: ``StorageError`` when `byteCount` is negative or no multiple of 4, or the folder cannot be written or has
  ///   too little space.
  public init(folder: String, byteCount: Int) throws(StorageError) {
    let size = MemoryLayout<Float>.size
    guard byteCount >= 0, byteCount.isMultiple(of: size) else {
      throw StorageError(.sizeMismatch, "a spill file of \(byteCount) bytes holds no whole number of floats")
    }
    var opened: Int32 = -1
    for _ in 0..<1000 {
      let serial = SpillFile.counter.add(1, ordering: .relaxed).newValue
      let path = "\(folder)/.spill.partial-\(getpid())-\(serial)"
      opened = retryingInterruption { unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
      if opened >= 0 {
        unsafe unlink(path)
        break
      }
      if errno != EEXIST { break }
    }
    guard opened >= 0 else { throw StorageError(cannot: "create a spill file in", folder, errno: errno) }
    // Returns its error rather than setting errno, and refuses a length of 0.
    var number: Int32 = 0
    if byteCount > 0 {
      repeat { number = posix_fallocate(opened, 0, byteCount) } while number == EINTR
    }
    guard number == 0 else {
      close(opened)
      throw StorageError(cannot: "reserve \(byteCount) bytes for a spill file in", folder, errno: number)
    }
    self.folder = folder
    self.floatCount = byteCount / size
    self.descriptor = opened
  }

  deinit {
    close(descriptor)
  }

  /// Fills `output` with the floats from `floatOffset` on.
  ///
  /// - Throws: ``StorageError`` when they leave the file, or the disk fails.
  public func read(at floatOffset: Int, into output: inout MutableSpan<Float>) throws(StorageError) {
    try check(floatOffset, output.count)
    let target = descriptor
    let failure: Int32? = unsafe output.withUnsafeMutableBytes { buffer in
      SpillFile.transfer(buffer.count, at: floatOffset) { done, count, position in
        unsafe pread(target, buffer.baseAddress.map { unsafe $0 + done }, count, position)
      }
    }
    if let failure { throw StorageError(cannot: "read the spill file in", folder, errno: failure) }
  }

  /// Stores `values` from `floatOffset` on.
  ///
  /// - Throws: ``StorageError`` when they leave the file, or the disk fails.
  public func write(_ values: Span<Float>, at floatOffset: Int) throws(StorageError) {
    try check(floatOffset, values.count)
    let target = descriptor
    let failure: Int32? = unsafe values.withUnsafeBytes { buffer in
      SpillFile.transfer(buffer.count, at: floatOffset) { done, count, position in
        unsafe pwrite(target, buffer.baseAddress.map { unsafe $0 + done }, count, position)
      }
    }
    if let failure { throw StorageError(cannot: "write the spill file in", folder, errno: failure) }
  }

  private func check(_ floatOffset: Int, _ count: Int) throws(StorageError) {
    guard floatOffset >= 0, floatOffset <= floatCount, count <= floatCount - floatOffset else {
      throw StorageError(
        .outOfBounds, "\(count) floats at \(floatOffset) leave the spill file of \(floatCount) in \(folder)")
    }
  }

  /// Repeats `call(bytes done, bytes to do, position)` until `byteCount` bytes are through; the errno where it fails.
  private static func transfer(
    _ byteCount: Int, at floatOffset: Int, _ call: (Int, Int, Int) -> Int
  ) -> Int32? {
    var done = 0
    while done < byteCount {
      let position = floatOffset * MemoryLayout<Float>.size + done
      let moved = retryingInterruption { call(done, min(byteCount - done, 1 << 30), position) }
      guard moved > 0 else { return moved == 0 ? EIO : errno }
      done += moved
    }
    return nil
  }
}
