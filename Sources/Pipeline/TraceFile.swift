internal import Artifacts
internal import Communication
internal import Foundation
internal import Tensors

/// trace.json: what every rank did when, in the Chrome trace format, for Perfetto and chrome://tracing.
///
/// A rank is a process; its threads are `main` (phases, in them layers, waits and collective calls) and `communication`
/// (broadcasts, and the wait for ranks to come to them). Times are microseconds since all ranks left a first barrier. A
/// second barrier, before the file is written, tells how fast each rank's clock runs against rank 0's: between the two, times
/// are right but for the time that a barrier needs to let all ranks go (some microseconds on one host, about the latency of
/// the link between several).
struct TraceFile {
  private let session: Session
  private let start: ContinuousClock.Instant

  /// Sets the origin of times. Collective.
  init(_ session: Session) throws {
    self.session = session
    try session.communicator.barrier()
    start = .now
  }

  /// Events of all ranks together: 200 bytes each make a file that viewers still open.
  private static let mostEvents = 400_000
  private static let leastEvents = 1000

  /// Writes every rank's events so far, on rank 0. Collective.
  ///
  /// - Throws: ``StorageError`` on all ranks when the file cannot be written.
  func write(to path: String) throws {
    let communicator = session.communicator
    try communicator.barrier()
    let elapsed = start.duration(to: .now).seconds
    let host = try communicator.hostLayout().hostNames[communicator.rank]
    let reference = try communicator.gather(elapsed)[0]
    let text = events(host: host, stretch: elapsed > 0 ? reference / elapsed : 1)
    // To rank 0 alone: the others would have no use for it.
    var parts = [[UInt8]](repeating: [], count: communicator.size)
    parts[0] = Array(text.utf8)
    let received = try communicator.exchange(parts)
    try session.together {
      guard communicator.rank == 0 else { return }
      var bytes = Array("{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n".utf8)
      for (rank, part) in received.enumerated() {
        if rank > 0 { bytes += Array(",\n".utf8) }
        bytes += part
      }
      try DurableFile.write(bytes + Array("\n]}\n".utf8), to: path)
    }
  }

  /// This rank's events, comma-separated.
  private func events(host: String, stretch: Double) -> String {
    let rank = session.communicator.rank
    let (events, counted) = session.trace.recorded
    let kept = events.prefix(max(Self.leastEvents, Self.mostEvents / session.communicator.size))
    let dropped = counted + events.count - kept.count
    func microseconds(_ instant: ContinuousClock.Instant) -> Double {
      start.duration(to: instant).seconds * stretch * 1e6
    }
    func metadata(_ name: String, _ track: Trace.Track, _ value: String) -> String {
      "{\"ph\": \"M\", \"pid\": \(rank), \"tid\": \(track.rawValue), \"name\": \"\(name)\", \"args\": {\(value)}}"
    }
    var lines = [
      metadata("process_name", .main, "\"name\": \(Self.quoted("rank \(rank) on \(host)"))"),
      metadata("process_sort_index", .main, "\"sort_index\": \(rank)"),
      metadata("process_labels", .main, "\"labels\": \"\(dropped) events dropped\""),
    ]
    lines += Trace.Track.allCases.map { metadata("thread_name", $0, "\"name\": \"\($0)\"") }
    lines += kept.map { event in
      let (begin, end) = (microseconds(event.start), microseconds(event.end))
      let arguments = event.bytes > 0 ? ", \"args\": {\"bytes\": \(event.bytes)}" : ""
      return
        "{\"ph\": \"X\", \"pid\": \(rank), \"tid\": \(event.track.rawValue), \"name\": \(Self.quoted(event.name)), "
        + "\"cat\": \"\(event.category.rawValue)\", \"ts\": \(String(format: "%.3f", begin)), "
        + "\"dur\": \(String(format: "%.3f", max(0, end - begin)))\(arguments)}"
    }
    return lines.joined(separator: ",\n")
  }

  /// A JSON string.
  private static func quoted(_ text: String) -> String {
    let data = (try? JSONEncoder().encode(text)) ?? Data("\"\"".utf8)
    return String(decoding: data, as: UTF8.self)
  }
}
