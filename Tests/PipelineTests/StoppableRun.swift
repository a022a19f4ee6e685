import Artifacts
import CPUCompute
import Communication
import CommunicationTestSupport
import Compute
import Foundation
import Pipeline
import TestSupport
import Testing

/// A run over ranks in threads that a test stops, and starts again.
struct StoppableRun: Sendable {
  /// Keys of the run document, and what the verb is.
  var settings: [String: String]
  var needs: Inputs.Needs
  /// Whether it starts over.
  var isFresh = false
  /// The run, and whether it is the first in its folder.
  let verb: @Sendable (_ run: Run, _ isFirst: Bool) throws -> Void

  /// Runs on so many ranks to the end, or to where a signal stops it.
  ///
  /// - Parameter stopAt: the last rank's call of `maximum` at which it is asked to end; nil: it is not.
  /// - Returns: what was saved when it was stopped; nil when it came to its end.
  func run(in folder: TemporaryFolder, ranks: Int, stopAt: Int? = nil) throws -> String? {
    let (settings, needs, verb, isFresh) = (settings, needs, verb, isFresh)
    let isFirst = folder.names.isEmpty
    let results = ThreadRanks.run(ranks) { communicator -> String? in
      var overrides = try settings.map { try RunOverride(assignment: "\($0.key)=\($0.value)") }
      overrides.append(RunOverride(key: "run-folder", value: folder.path, source: "test"))
      let document = try RunDocument(yaml: "resources: {threads: 1}", overrides: overrides)
      let inputs = try Inputs(document, needs: needs)
      let request = StopRequest()
      let isAsked = stopAt != nil && communicator.rank == communicator.size - 1
      let session = Session(
        communicator: isAsked
          ? StoppingCommunicator(communicator, request: request, stopAt: stopAt ?? 0) : communicator,
        console: Console(isSpeaking: false), stopRequest: request
      ) { _, _, _ in CPUBackend(threads: 1) }
      do {
        try verb(try Run(inputs, session: session, documentPath: nil, isFresh: isFresh), isFirst)
        return nil
      } catch let error as StoppedError {
        guard error.signal == StoppingCommunicator.signal else { throw error }
        return error.saved
      }
    }
    let saved = try results.map { try $0.get() }
    #expect(Set(saved).count == 1, "ranks end alike: \(saved)")
    return saved[0]
  }
}

extension TemporaryFolder {
  /// A run folder as another run has left it.
  func copy() throws -> TemporaryFolder {
    let copy = try TemporaryFolder()
    for name in names { try FileManager.default.copyItem(atPath: file(name), toPath: copy.file(name)) }
    return copy
  }

  /// Names of the stages' saved files.
  var states: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: file("state")).sorted()) ?? []
    return names.filter { $0 != "run.json" }
  }
}
