import Artifacts
import CPUCompute
import Communication
import Foundation
import MPITestSupport
import Pipeline
import TestSupport
import Testing

/// The doctor on any number of ranks. Collective: see ``TestWorld``.
@Suite(.serialized) struct DoctorRanksTests {
  private func report(
    _ document: RunDocument, hasModel: Bool = true, readsAll: Bool = false, on communicator: any Communicator
  ) throws -> [String: Any] {
    let session = Session(communicator: communicator, console: Console(isSpeaking: false)) { _, threads, _ in
      CPUBackend(threads: threads)
    }
    let options = Doctor.Options(
      hasModel: hasModel, hasDocument: false, readsAll: readsAll, limit: 60, messageLibrary: "a library")
    let text = try Doctor(document, options: options).run(session, json: true)
    return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private func checks(_ report: [String: Any]) throws -> [String: String] {
    let checks = try #require(report["checks"] as? [[String: Any]])
    return Dictionary(
      uniqueKeysWithValues: checks.map { ($0["name"] as? String ?? "", $0["finding"] as? String ?? "") })
  }

  @Test func everyRankTellsOfItself() throws {
    let communicator = try TestWorld.communicator()
    let document = try RunDocument(model: Fixtures.demoModel)
    let report = try report(document, on: communicator)
    let ranks = try #require(report["ranks"] as? [[String: Any]])
    #expect(ranks.compactMap { $0["rank"] as? Int } == Array(0..<communicator.size))
    for rank in ranks {
      #expect(rank["product_rate"] as? Double ?? 0 > 1e6 && rank["available_bytes"] as? Int ?? 0 > 0)
      #expect(!(rank["processors"] as? [Int] ?? []).isEmpty && rank["threads"] as? Int ?? 0 > 0)
      let files = (rank["inputs"] as? [String: Any])?["files"] as? [[String: Any]] ?? []
      #expect(files.count == 3 && files.allSatisfy { ($0["digest"] as? String)?.count == 64 })
      let places = try #require(rank["places"] as? [[String: Any]])
      #expect(places.compactMap { $0["role"] as? String } == ["output", "run folder", "temporary folder"])
      #expect(places[0]["is_shared"] as? Bool == (communicator.size > 1 ? true : nil))
    }
    let said = try checks(report)
    #expect(said["versions"]?.contains("a library everywhere") == true)
    #expect(said["model"]?.contains("the same on every rank (sizes, headers and ends)") == true)
  }

  /// Every byte is read once on a host, whoever reads it.
  @Test func wholeFiles() throws {
    let communicator = try TestWorld.communicator()
    let report = try report(
      try RunDocument(model: Fixtures.model("tiny-llama-sharded")), readsAll: true, on: communicator)
    let ranks = try #require(report["ranks"] as? [[String: Any]])
    var readers: [String: Int] = [:]
    for file in ranks.flatMap({ ($0["inputs"] as? [String: Any])?["files"] as? [[String: Any]] ?? [] })
    where file["whole_digest"] != nil { readers[file["path"] as? String ?? "", default: 0] += 1 }
    #expect(readers.count == 7 && readers.values.allSatisfy { $0 == 1 })
    #expect(try checks(report)["model"]?.hasSuffix("every byte of them") == true)
  }

  /// A folder that is there on rank 0 alone: all ranks learn which do not see it, and end alike.
  @Test func modelOnOneRankOnly() throws {
    let communicator = try TestWorld.communicator()
    let temporary = try TemporaryFolder()
    let folder = try temporary.makeFolder("model")
    // The same path on every rank, as on hosts with disks of their own.
    let shared = String(decoding: try communicator.broadcast(Array(folder.utf8), root: 0), as: UTF8.self)
    try communicator.barrier()
    let error = #expect(throws: PeerFailure.self) {
      _ = try report(try RunDocument(model: shared), on: communicator)
    }
    try communicator.barrier()
    #expect(error?.exitCode == 66 && error?.isCommon == true)
    #expect(error?.line.hasPrefix("model: ") == true)
  }
}
