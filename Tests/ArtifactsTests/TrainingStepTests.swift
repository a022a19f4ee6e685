import Artifacts
import Foundation
import Testing

@Suite struct TrainingStepTests {
  static let tune = TrainingStep(
    stage: "tune", step: 12, round: 1, loss: 3.25, gradientNorm: 0.5, learningRate: 0.1, targetSparsity: 0.2,
    sparsity: 0.1875, attentionOpen: 0.875, mlpOpen: 0.75, validationPerplexity: 31.5, tokens: 6144, sentBytes: 100,
    uncompressedBytes: 400, seconds: 1.5)
  static let recover = TrainingStep(
    stage: "recover", step: 1, round: 0, loss: .nan, gradientNorm: .infinity, learningRate: 2e-4, tokens: 512,
    sentBytes: 0, uncompressedBytes: 0, seconds: 2)

  /// A file with these bytes, read.
  private static func read(_ bytes: [UInt8]) throws -> [TrainingStep] {
    let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).jsonl").path
    try Data(bytes).write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      return try TrainingStep.read(contentsOfFile: path)
    } catch {
      throw ArtifactError(code: error.code, message: error.message.replacing(path, with: "FILE"))
    }
  }

  @Test func lineIsExactlyThis() throws {
    #expect(
      String(decoding: try Self.tune.line(), as: UTF8.self)
        == #"{"attention_open":0.875,"gradient_norm":0.5,"learning_rate":0.1,"loss":3.25,"mlp_open":0.75,"round":1,"#
        + #""seconds":1.5,"sent_bytes":100,"sparsity":0.1875,"stage":"tune","step":12,"target_sparsity":0.2,"#
        + #""tokens":6144,"uncompressed_bytes":400,"validation_perplexity":31.5}"# + "\n")
    #expect(
      String(decoding: try Self.recover.line(), as: UTF8.self)
        == #"{"gradient_norm":"Infinity","learning_rate":0.0002,"loss":"NaN","round":0,"seconds":2,"sent_bytes":0,"#
        + #""stage":"recover","step":1,"tokens":512,"uncompressed_bytes":0}"# + "\n")
  }

  @Test func linesAreReadInOrder() throws {
    let steps = try Self.read(Self.recover.line() + Self.tune.line() + Self.recover.line())
    #expect(steps.count == 3 && steps[1] == Self.tune)
    #expect(steps[0].loss.isNaN && steps[0].gradientNorm == .infinity && steps[0].sparsity == nil)
    #expect(try Self.read([]).isEmpty)
  }

  /// A killed run leaves a line without its end, however long.
  @Test func unfinishedLineIsLeftOut() throws {
    let line = try Self.tune.line()
    for length in 0..<line.count { #expect(try Self.read(line + line.prefix(length)) == [Self.tune]) }
  }

  @Test(arguments: [
    ("\n", ""), ("{}\n", ", stage is missing"), ("not JSON\n", ""), ("[1]\n", ""), ("\u{0}\n", ""),
    (#"{"stage":3}"# + "\n", ", stage has a wrong value"),
    (#"{"stage":"tune","step":1e99}"# + "\n", ""),
    (#"{"stage":"tune","step":1,"round":0,"loss":"big"}"# + "\n", ", loss has a wrong value"),
  ])
  func damagedLineIsNamed(text: String, place: String) throws {
    let bytes = try Self.tune.line() + Array(text.utf8) + Self.tune.line()
    let error = #expect(throws: ArtifactError.self) { try Self.read(bytes) }
    #expect(error?.code == .malformed)
    #expect(error?.message == "FILE:2: not a step of training\(place); remove the line, or the file")
  }

  @Test func whatIsNoFileIsRefused() {
    for path in ["/nonexistent/metrics.jsonl", "/tmp", "/dev/zero"] {
      let error = #expect(throws: ArtifactError.self) { try TrainingStep.read(contentsOfFile: path) }
      #expect(error?.code == .unreadable && error?.message.hasPrefix(path) == true)
    }
  }
}
