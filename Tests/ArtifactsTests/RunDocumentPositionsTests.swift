import Artifacts
import Testing

/// Defaults fit the model; what was given stays.
@Suite struct RunDocumentPositionsTests {
  func document(_ lines: String..., positions: Int?) throws -> RunDocument {
    try RunDocument(yaml: (["model: m"] + lines).joined(separator: "\n"), environment: testEnvironment)
      .fitting(positions: positions)
  }

  @Test func defaults() throws {
    let whole = try document(positions: nil)
    for positions in [1024, 2048, 1, 0, -1] { #expect(try document(positions: positions) == whole) }
    let short = try document(positions: 100)
    #expect(short.evaluation.window == 100 && short.evaluation.stride == 100 && short.calibration.length == 100)
    #expect(short.tuning.length == 100 && short.recovery.length == 100 && short.generation.length == 100)
    #expect(short.selection.length == 64)
    // As it is written, it reads again.
    #expect(try RunDocument(yaml: short.resolvedYAML(), environment: testEnvironment) == short)
    // A prompt needs a token behind it.
    #expect(try document(positions: 16).generation.length == 512)
  }

  @Test func given() throws {
    let window = try document("evaluation: {window: 1024}", "tuning: {length: 300}", positions: 100)
    #expect(window.evaluation.window == 1024 && window.tuning.length == 300 && window.recovery.length == 100)
    let stride = try document("evaluation: {stride: 50}", positions: 100)
    #expect(stride.evaluation.window == 100 && stride.evaluation.stride == 50)
    let long = try document("evaluation: {stride: 200}", positions: 100)
    #expect(long.evaluation.window == 1024 && long.evaluation.stride == 200)
  }
}
