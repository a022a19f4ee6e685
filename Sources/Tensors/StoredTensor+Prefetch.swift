internal import Glibc

extension StoredTensor {
  /// Tells the system that a mapped tensor will be read soon, and returns at once; nothing for owned bytes.
  ///
  /// It is advice: where it is not taken, reading is only slower.
  public func prefetch() {
    guard path != nil, byteCount > 0 else { return }
    let pageSize = sysconf(Int32(_SC_PAGESIZE))
    unsafe bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      let offset = Int(bitPattern: base) % pageSize
      _ = unsafe madvise(UnsafeMutableRawPointer(mutating: base - offset), buffer.count + offset, MADV_WILLNEED)
    }
  }
}
