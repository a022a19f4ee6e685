internal import Foundation
internal import Synchronization

/// Tells what the doctor does when it takes longer than two seconds, and ends the job when a step takes too long: a network
/// that swallows messages lets the message library wait forever, and a hung disk lets a rank.
final class DoctorWatch: Sendable {
  private struct Step {
    var name = ""
    /// Whether this rank does something by itself, or waits for the others.
    var isOwn = true
    var start = ContinuousClock.now
    var isDone = false
  }

  private let step = Mutex(Step())
  private let changed = NSCondition()
  private let rank: Int
  private let host: String
  private let limit: Double
  private let isSpeaking: Bool
  private let abort: @Sendable (_ message: String) -> Void

  /// Seconds after which a step is told of.
  private static let silence = 2.0
  /// Seconds that waiting ranks leave to the one that is late, to speak for itself.
  private static let grace = 5.0

  /// - Parameters:
  ///   - limit: seconds that a step may take.
  ///   - isSpeaking: whether this rank tells of progress.
  ///   - abort: ends the job with this message; called on a thread of its own.
  init(
    rank: Int, host: String, limit: Double, isSpeaking: Bool, abort: @escaping @Sendable (_ message: String) -> Void
  ) {
    (self.rank, self.host, self.limit, self.isSpeaking, self.abort) = (rank, host, limit, isSpeaking, abort)
    Thread.detachNewThread { [self] in watch() }
  }

  /// Says what goes on from now. A step that goes on is called again, and its time starts anew.
  func begin(_ name: String, isOwn: Bool = true) {
    step.withLock { $0 = Step(name: name, isOwn: isOwn, start: .now) }
  }

  /// Ends the watch.
  func end() {
    step.withLock { $0.isDone = true }
    changed.lock()
    changed.broadcast()
    changed.unlock()
  }

  private func watch() {
    var told = ""
    changed.lock()
    defer { changed.unlock() }
    while true {
      _ = changed.wait(until: Date(timeIntervalSinceNow: Self.silence / 2))
      let now = step.withLock { $0 }
      if now.isDone { return }
      let seconds = now.start.duration(to: .now).seconds
      if isSpeaking, seconds > Self.silence, told != now.name {
        told = now.name
        FileHandle.standardError.write(Data("doctor: \(now.name) …\n".utf8))
      }
      if seconds > (now.isOwn ? limit : limit + Self.grace) {
        let time = Int(limit)
        if now.isOwn {
          abort(
            "on rank \(rank) (\(host)): \(now.name) did not end within \(time) s; look at that host, its disks and links"
          )
        } else {
          abort(
            "\(now.name): not all ranks came within \(time) s; look for a stopped process, or an interface that hosts do not "
              + "share (mpirun --mca btl_tcp_if_include)")
        }
        return
      }
    }
  }
}
