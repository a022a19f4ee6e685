internal import Calibration
import Architectures
import Artifacts
import Pipeline
import TestSupport
import Testing

/// The files of text that a model wrote, as text is read.
@Suite struct TokenFileTests {
  private let folder: TemporaryFolder
  private let reader: TextReader
  private let sequences: [[Int32]] = [[1, 2, 3], [1023, 0, 5]]

  init() throws {
    folder = try TemporaryFolder()
    reader = TextReader(try Model(path: Fixtures.demoModel))
  }

  private func read(_ name: String) throws -> [[Int32]] {
    try reader.trainingSequences(text: [folder.file(name)], key: "tuning.text", length: 3, seed: 0, needed: 9)
      .sequences.map(\.ids)
  }

  @Test func isReadAsItWasWritten() throws {
    try TokenFile.write(sequences, metadata: ["seed": "7"], to: folder.file("own.safetensors"))
    #expect(Set(try read("own.safetensors")) == Set(sequences))
  }

  /// Any bit that changed and any length but the whole is found, in the header as in the tokens.
  @Test func changesAreFound() throws {
    try TokenFile.write(sequences, metadata: ["seed": "7"], to: folder.file("own.safetensors"))
    let bytes = try TemporaryFolder.bytes(of: folder.file("own.safetensors"))
    for place in bytes.indices {
      var changed = bytes
      changed[place] ^= 1 << UInt8(place % 8)
      try folder.write(changed, to: "changed.safetensors")
      #expect(throws: (any Error).self, "byte \(place)") { try read("changed.safetensors") }
      try folder.write(Array(bytes.prefix(place)), to: "cut.safetensors")
      #expect(throws: (any Error).self, "\(place) bytes") { try read("cut.safetensors") }
    }
    // A token of the vocabulary in place of another: nothing but the checksum tells.
    var other = bytes
    other[bytes.count - 1 - 3] ^= 1
    try folder.write(other, to: "other.safetensors")
    let error = #expect(throws: ArtifactError.self) { try read("other.safetensors") }
    #expect(error?.code == .damaged && error?.message.hasSuffix("generate the text again") == true)
  }
}
