internal import Artifacts
internal import Communication
internal import Foundation
internal import Glibc

/// What this process can tell of its host without asking others.
extension DoctorFacts {
  /// Facts of this process. The rest is measured.
  ///
  /// - Parameter messageLibrary: its name and version.
  static func ofThisProcess(rank: Int, host: String, messageLibrary: String) -> Self {
    var facts = Self(rank: rank, host: host)
    let environment = ProcessInfo.processInfo.environment
    facts.version = Session.version
    facts.program = String(DoctorDigest.wholeFile("/proc/self/exe")?.prefix(12) ?? "unknown")
    facts.messageLibrary = messageLibrary
    facts.promises = promises(environment)
    facts.processors = numbers(ProcessorShare.ofThisProcess.processors)
    let online = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    facts.hostProcessors = environment["SLURM_CPUS_ON_NODE"].flatMap { Int($0) } ?? online
    facts.quota = ControlGroup.current.processors
    let domains = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/devices/system/node")) ?? []
    facts.memoryDomains = max(1, domains.count { $0.hasPrefix("node") && Int($0.dropFirst(4)) != nil })
    let processor = HostMemory.lines(of: "/proc/cpuinfo")
    facts.processor = processor.first { $0.hasPrefix("model name") }.map(value) ?? ""
    facts.hasAVX512 = processor.first { $0.hasPrefix("flags") }?.contains(" avx512f") == true
    facts.coreType = environment["OPENBLAS_CORETYPE"].flatMap { $0.isEmpty ? nil : $0 }
    facts.sharedMemoryBytes = FreeSpace(of: "/dev/shm")?.bytes
    // As a shell inside a step of Slurm has them; mpirun tells how many ranks there are.
    if facts.promises.isEmpty { facts.strayVariables = environment.keys.filter(isLaunchers).sorted() }
    facts.memoryBytes = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    facts.availableBytes = HostMemory.availableBytes
    return facts
  }

  private static func isLaunchers(_ variable: String) -> Bool { ["PMIX_RANK", "PMI_RANK"].contains(variable) }

  /// Variables by which launchers and batch systems tell how many ranks a job has.
  private static func promises(_ environment: [String: String]) -> [String: Int] {
    let names = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS", "PBS_NP", "LSB_DJOB_NUMPROC", "NSLOTS"]
    var promises: [String: Int] = [:]
    for name in names {
      if let count = environment[name].flatMap({ Int($0) }), count > 0 { promises[name] = count }
    }
    return promises
  }

  /// `0-3,8` → 0, 1, 2, 3, 8.
  package static func numbers(_ list: String) -> [Int] {
    list.split(separator: ",").flatMap { part -> [Int] in
      let bounds = part.split(separator: "-").compactMap { Int($0) }
      guard let first = bounds.first, let last = bounds.last, first <= last, last - first < 65_536 else { return [] }
      return Array(first...last)
    }
  }

  private static func value(_ line: Substring) -> String {
    let text = line.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces)
    return text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}

extension DoctorPlace {
  /// What is known of a folder without asking other ranks; it need not exist yet.
  init(role: String, folder: String) {
    let folder = folder == "." ? FileManager.default.currentDirectoryPath : folder
    var path = folder.hasPrefix("/") ? folder : FileManager.default.currentDirectoryPath + "/" + folder
    var isFolder: ObjCBool = false
    while path.count > 1,
      !(unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)) || !isFolder.boolValue
    {
      // Not by NSString, whose deletingLastPathComponent traps on names of one letter.
      path = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "/"
    }
    let free = FreeSpace(of: path)?.bytes ?? 0
    self.init(role: role, path: path, freeBytes: free, isWritable: unsafe access(path, W_OK | X_OK) == 0)
  }
}

/// What is left on a file system.
struct FreeSpace {
  let bytes: Int

  /// Nil where nothing is mounted or nothing can be known.
  init?(of path: String) {
    var status = statvfs()
    guard unsafe statvfs(path, &status) == 0 else { return nil }
    bytes = Int(clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
  }
}
