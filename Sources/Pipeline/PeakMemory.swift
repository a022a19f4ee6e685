internal import Glibc

/// This process's peak resident memory since it was last forgotten.
enum PeakMemory {
  /// Forgets the peak up to now. Where the system does not allow it the peak stays that of the whole process.
  static func forget() {
    let file = unsafe open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = unsafe write(file, "5", 1)
    close(file)
  }

  /// Bytes, with the pages of mapped files that were in memory then.
  static var bytes: Int { PhaseRecorder.peakResidentBytes }
}
