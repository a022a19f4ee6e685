internal import Dispatch
internal import Synchronization

/// Splits loops over a backend's threads.
///
/// Which thread computes a part, and how many parts there are, changes no bit of a result: a part computes whole elements
/// of it, each from start to end in the order in which one thread would.
struct Parallel: Sendable {
  let threads: Int

  /// Elements that a part has at least: waking the other threads costs about 5 µs, in which one computes as many.
  private static let leastWork = 1 << 16
  /// Parts per thread, so that a thread that is late (another process has its core) does not keep all others waiting.
  private static let partsPerThread = 4

  /// Runs `body` for each of `count` tasks, with the number of the thread that runs it; each thread takes the next task
  /// when it has done one. Returns when all are done.
  func tasks(_ count: Int, _ body: (_ task: Int, _ thread: Int) -> Void) {
    let workers = min(threads, count)
    guard workers > 1 else {
      for task in 0..<count { body(task, 0) }
      return
    }
    let next = Atomic(0)
    withoutActuallyEscaping(body) { body in
      // Matrices are not Sendable, because nothing keeps two threads from writing the same part of one; here the bodies do.
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(iterations: workers) { thread in
        while true {
          let task = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard task < count else { return }
          unsafe body(task, thread)
        }
      }
    }
  }

  /// Splits `0..<count` into ranges; one range when the work is small.
  ///
  /// - Parameter cost: elements that one index stands for.
  func ranges(_ count: Int, cost: Int, _ body: (Range<Int>) -> Void) {
    split(count, cost: cost, mostParts: threads * Self.partsPerThread, granularity: 1, body)
  }

  /// Runs `body` for every row; `cost` is about how many elements a row has.
  func rows(_ count: Int, cost: Int, _ body: (Int) -> Void) {
    ranges(count, cost: cost) { range in for row in range { body(row) } }
  }

  /// Splits columns, or units of `width` columns, for sums over rows: one range for each thread, since narrow ones read
  /// memory badly, in whole cache lines, so that no two threads write to the same one.
  func columns(_ count: Int, cost: Int, width: Int = 1, _ body: (Range<Int>) -> Void) {
    split(count, cost: cost, mostParts: threads, granularity: max(1, 16 / width), body)
  }

  /// The bounds of the ranges are multiples of `granularity`.
  private func split(_ count: Int, cost: Int, mostParts: Int, granularity: Int, _ body: (Range<Int>) -> Void) {
    guard count > 0 else { return }
    let parts = threads == 1 ? 1 : min(mostParts, count * cost / Self.leastWork)
    guard parts > 1 else { return body(0..<count) }
    let size = ((count + parts - 1) / parts + granularity - 1) / granularity * granularity
    tasks((count + size - 1) / size) { part, _ in body(part * size..<min(count, (part + 1) * size)) }
  }
}
