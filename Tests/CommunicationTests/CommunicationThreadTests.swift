import Communication
import CommunicationTestSupport
import Dispatch
import Synchronization
import Testing

@Suite struct CommunicationThreadTests {
  @Test func runsJobsInOrder() throws {
    let thread = CommunicationThread()
    let order = Mutex<[Int]>([])
    let pending = (0..<500).map { number in
      thread.submit {
        order.withLock { $0.append(number) }
        return number * 2
      }
    }
    #expect(try pending.reversed().map { try $0.wait() } == (0..<500).reversed().map { $0 * 2 })
    #expect(order.withLock { $0 } == Array(0..<500))
    thread.shutdown()
  }

  @Test func deliversErrorsAtWait() throws {
    let thread = CommunicationThread()
    let failing = thread.submit { throw TestFailure("broken") }
    let next = thread.submit { 5 }
    #expect(throws: TestFailure("broken")) { try failing.wait() }
    #expect(throws: TestFailure("broken")) { try failing.wait() }
    #expect(try next.wait() == 5)
    #expect(next.isSettled)
    thread.shutdown()
  }

  @Test func shutdownFinishesWhatWasSubmittedAndRefusesMore() throws {
    let thread = CommunicationThread()
    let gate = DispatchSemaphore(value: 0)
    let first = thread.submit { gate.wait() }
    let last = thread.submit { "done" }
    #expect(!last.isSettled)
    gate.signal()
    thread.shutdown()
    thread.shutdown()
    try first.wait()
    #expect(last.isSettled)
    #expect(try last.wait() == "done")
    let error = #expect(throws: CommunicationError.self) { try thread.submit { 1 }.wait() }
    #expect(error?.code == .shutDown)
  }

  @Test func jobsOutliveTheirThreadObject() throws {
    var thread: CommunicationThread? = CommunicationThread()
    let gate = DispatchSemaphore(value: 0)
    let pending = thread?.submit {
      gate.wait()
      return 3
    }
    thread = nil
    gate.signal()
    #expect(try pending?.wait() == 3)
  }

  /// More blocked threads than libdispatch would lend at once.
  @Test func manyThreadsBlockAtOnce() throws {
    let gate = DispatchSemaphore(value: 0)
    let threads = (0..<100).map { _ in CommunicationThread() }
    let pending = threads.map { thread in thread.submit { gate.wait() } }
    #expect(pending.allSatisfy { !$0.isSettled })
    for _ in threads { gate.signal() }
    for job in pending { try job.wait() }
    for thread in threads { thread.shutdown() }
  }

  /// One result, waited for on several threads.
  @Test func severalWaitersGetTheResult() throws {
    let gate = DispatchSemaphore(value: 0)
    let source = CommunicationThread()
    let result = source.submit {
      gate.wait()
      return 11
    }
    let waiters = (0..<4).map { _ in CommunicationThread() }
    let seen = waiters.map { waiter in waiter.submit { try result.wait() } }
    gate.signal()
    #expect(try seen.map { try $0.wait() } == [11, 11, 11, 11])
    source.shutdown()
    for waiter in waiters { waiter.shutdown() }
  }
}
