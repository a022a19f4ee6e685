import Foundation
import Pipeline
import TestSupport
import Testing

/// Folders of a run that lie in each other.
@Suite struct RunPlacesTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.makeFolder("model")
    try folder.link("link", to: "model")
  }

  private func check(_ output: String?, _ run: String) throws {
    try RunPlaces.check(
      model: folder.file("model"), output: output.map(folder.file), runFolder: folder.file(run))
  }

  @Test(
    arguments: [
      ("out", "out.run"), ("model-pruned", "model-pruned.run"), ("run/out", "run"), ("out", "out2"), (nil, "model.run"),
      ("model", "run"),
    ] as [(String?, String)])
  func apart(output: String?, run: String) throws {
    #expect(throws: Never.self) { try check(output, run) }
  }

  @Test(
    arguments: [
      ("out", "model", "is the model too"), ("out", "model/run", "lies inside the model"),
      ("out", "link/a/run", "lies inside the model"), (nil, "model/run", "lies inside the model"),
      ("out", "out", "is the output too"), ("out", "new/../out/run", "lies inside the output"),
      ("model/out", "run", "output"), ("link/out", "run", "output"), ("run/state", "run", "where a run keeps its own"),
      ("run/pruned/out", "run", "where a run keeps its own"), (".", "../run", "lies inside the output"),
    ] as [(String?, String, String)])
  func insideEachOther(output: String?, run: String, words: String) throws {
    let error = #expect(throws: RunFolderError.self) { try check(output, run) }
    let line = try #require(error).description
    #expect(line.contains(words) && line.contains("name another"), "\(line)")
  }
}
