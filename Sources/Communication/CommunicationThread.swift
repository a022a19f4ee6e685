import Dispatch
import Foundation
import Synchronization

/// One thread that runs blocking communication, job after job, while other threads compute.
///
/// Open MPI moves data only inside its own calls, so a transfer overlaps computation only when a thread sits in a
/// blocking call. Jobs run in the order of submission. Give the thread a `Communicator` of its own, best a
/// `duplicate(waiting: .sleeping)`, and submit the same jobs in the same order on every rank. It is a thread of its
/// own, not a dispatch queue's, so jobs that block for long can not exhaust a pool that others need.
public final class CommunicationThread: Sendable {
  private let queue = JobQueue()

  /// Starts the thread; `name` is what debuggers show.
  public init(name: String = "communication") {
    let thread = Thread { [queue] in queue.run() }
    thread.name = name
    thread.start()
  }

  /// The jobs already submitted still run, without being waited for.
  deinit { queue.close() }

  /// Queues `job` and returns at once. What it returns or throws is delivered by `Pending.wait`; after `shutdown`
  /// that is a `CommunicationError` with code `shutDown`.
  public func submit<Value: Sendable>(_ job: @escaping @Sendable () throws -> Value) -> Pending<Value> {
    let pending = Pending<Value>()
    let accepted = queue.append { pending.settle(Result(catching: job)) }
    if !accepted {
      pending.settle(
        .failure(CommunicationError(.shutDown, "the communication thread has been shut down; submit jobs before that")))
    }
    return pending
  }

  /// Refuses further jobs, and returns once those submitted have run. Further calls do the same. Not from a job.
  public func shutdown() {
    queue.close()
    queue.waitUntilFinished()
  }
}

/// Jobs in order, handed to one running thread.
private final class JobQueue: Sendable {
  private struct State {
    var jobs: [@Sendable () -> Void] = []
    var isClosed = false
  }

  private let state = Mutex(State())
  /// Counts the jobs waiting, and one more once the queue is closed.
  private let available = DispatchSemaphore(value: 0)
  private let finished = DispatchSemaphore(value: 0)

  func append(_ job: @escaping @Sendable () -> Void) -> Bool {
    let accepted = state.withLock { state in
      if state.isClosed { return false }
      state.jobs.append(job)
      return true
    }
    if accepted { available.signal() }
    return accepted
  }

  func close() {
    let isFirst = state.withLock { state in
      defer { state.isClosed = true }
      return !state.isClosed
    }
    if isFirst { available.signal() }
  }

  func run() {
    while let job = next() { job() }
    finished.signal()
  }

  func waitUntilFinished() {
    finished.wait()
    finished.signal()
  }

  private func next() -> (@Sendable () -> Void)? {
    available.wait()
    return state.withLock { state in state.jobs.isEmpty ? nil : state.jobs.removeFirst() }
  }
}
