internal import Glibc

extension StoredTensor {
  /// Bytes of the tensor, in whole pages, that are in memory now: what reading it would not wait for. Owned bytes all are.
  ///
  /// - Returns: nil where the system does not tell. Linux tells it only of files that the user may write.
  public func residentBytes() -> Int? {
    guard path != nil, byteCount > 0 else { return byteCount }
    let pageSize = sysconf(Int32(_SC_PAGESIZE))
    return unsafe bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return nil }
      let offset = Int(bitPattern: base) % pageSize
      let length = buffer.count + offset
      var pages = [UInt8](repeating: 0, count: (length + pageSize - 1) / pageSize)
      guard unsafe mincore(UnsafeMutableRawPointer(mutating: base - offset), length, &pages) == 0 else { return nil }
      let resident = pages.reduce(0) { $0 + Int($1 & 1) }
      return min(byteCount, resident * pageSize)
    }
  }
}
