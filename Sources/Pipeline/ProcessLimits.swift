internal import Artifacts
internal import Foundation
internal import Glibc

/// What the system lets this process start and take, asked before any work.
///
/// Later nobody could tell: OpenBLAS asks again and again, without end, for memory that it does not get, and waits for
/// threads that did not start; so does Dispatch.
public enum ProcessLimits {
  /// Makes sure that so many threads can run beside those that do, and that there is room for the buffers of products.
  /// Threads are started, and memory is taken, for a moment; no limit is computed with, since who else counts towards it is
  /// not known.
  ///
  /// - Parameters:
  ///   - threads: at a time, beside those that run.
  ///   - buffers: how many.
  ///   - bufferBytes: of each, of address space.
  ///   - remedy: what makes do with less, as in "raise the limit, or …"; nil: nothing.
  /// - Throws: ``ProcessLimitError`` naming the limit.
  public static func require(
    threads: Int, buffers: Int = 0, bufferBytes: Int = 0, remedy: String?
  ) throws(ProcessLimitError) {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else {
      throw ProcessLimitError("no pipe can be made: \(reason(errno)); raise the limit of open files (ulimit -n)")
    }
    defer { for end in ends { close(end) } }
    var (started, failure): ([pthread_t], Int32) = ([], 0)
    while started.count < threads, failure == 0 {
      var thread = pthread_t()
      // Waits for its byte.
      failure = unsafe pthread_create(
        &thread, nil,
        { argument in
          var byte: UInt8 = 0
          while unsafe read(Int32(Int(bitPattern: argument)), &byte, 1) < 0, errno == EINTR {}
          return nil
        }, UnsafeMutableRawPointer(bitPattern: Int(ends[0])))
      if failure == 0 { started.append(thread) }
    }
    let taken = failure == 0 ? room(for: buffers, of: bufferBytes) : (count: 0, failure: 0)
    for _ in started {
      var byte: UInt8 = 0
      _ = unsafe write(ends[1], &byte, 1)
    }
    for thread in started { pthread_join(thread, nil) }
    guard failure == 0 else {
      throw ProcessLimitError(
        "\(started.count) of \(TableNumber.counted(threads, "further thread")) can be started (\(reason(failure)); "
          + "\(limits([.processes, .addressSpace]))): raise the limit\(remedy.map { ", or \($0)" } ?? "")")
    }
    guard taken.count == buffers else {
      let size = ByteSize(bytes: bufferBytes).rounded
      throw ProcessLimitError(
        "products need \(size) of address space for each further thread, here \(buffers), and get it for \(taken.count) "
          + "(\(reason(taken.failure)); \(limits([.addressSpace, .data]))): raise the limit\(remedy.map { ", or \($0)" } ?? "")"
      )
    }
  }

  /// How many buffers can be had at a time.
  private static func room(for buffers: Int, of bytes: Int) -> (count: Int, failure: Int32) {
    // By their addresses.
    var taken: [Int] = []
    defer { for address in taken { _ = unsafe munmap(UnsafeMutableRawPointer(bitPattern: address), bytes) } }
    while taken.count < buffers {
      let buffer = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      guard unsafe buffer != MAP_FAILED else { return (taken.count, errno) }
      taken.append(Int(bitPattern: buffer))
    }
    return (taken.count, 0)
  }

  /// Bytes of address space that this process may still take; nil without a limit.
  static var addressSpaceLeft: Int? {
    let pages = HostMemory.lines(of: "/proc/self/statm").first?.split(separator: " ").compactMap { Int($0) } ?? []
    guard let limit = Limit.addressSpace.value, let taken = pages.first else { return nil }
    return max(0, limit - taken * Int(sysconf(Int32(_SC_PAGESIZE))))
  }

  private enum Limit {
    case processes
    case addressSpace
    case data

    /// nil: none.
    var value: Int? {
      let resource =
        switch self {
        case .processes: __RLIMIT_NPROC
        case .addressSpace: RLIMIT_AS
        case .data: RLIMIT_DATA
        }
      var limit = rlimit()
      guard unsafe getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 else { return nil }
      return limit.rlim_cur < rlim_t(Int.max) ? Int(limit.rlim_cur) : nil
    }

    var text: String? {
      value.map { value in
        switch self {
        case .processes: "ulimit -u is \(value)"
        case .addressSpace: "ulimit -v is \(value / 1024)"
        case .data: "ulimit -d is \(value / 1024)"
        }
      }
    }
  }

  /// What limits there are of some kinds, in words.
  private static func limits(_ kinds: [Limit]) -> String {
    var texts = kinds.compactMap(\.text)
    if kinds.contains(.processes), let tasks = ControlGroup.current.availableTasks {
      texts.append("the control group has room for \(tasks) more (pids.max)")
    }
    if kinds.contains(.data), HostMemory.lines(of: "/proc/sys/vm/overcommit_memory").first == "2" {
      texts.append("vm.overcommit_memory is 2")
    }
    return texts.isEmpty ? "no limit of this process is known" : texts.joined(separator: ", ")
  }

  private static func reason(_ number: Int32) -> String { unsafe String(cString: strerror(number)) }
}

/// The system lets this process start too few threads, or take too little memory.
public struct ProcessLimitError: Error, CustomStringConvertible, Sendable, Equatable {
  public let description: String

  public init(_ description: String) { self.description = description }
}
