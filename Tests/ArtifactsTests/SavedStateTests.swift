import Artifacts
import Foundation
import Testing

/// A state's file: the same bits again, or an error.
@Suite struct SavedStateTests {
  let path = FileManager.default.temporaryDirectory.appending(path: "state-\(UUID().uuidString).safetensors").path

  /// Something of everything: an empty array, infinities, a zero below zero, texts that JSON has to escape.
  var state: SavedState {
    var state = SavedState()
    state.arrays["gates.logits"] = (0..<30).map { Float($0) * 0.37 - 5 }
    state.arrays["moments.1"] = [-0.0, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
    state.arrays["empty"] = []
    state.values = ["step": "40", "": "", "sha256": "é\n\"\\\u{0}", "value.x": String(repeating: "long", count: 9)]
    return state
  }

  func reading(_ body: () throws -> Void) rethrows {
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body()
  }

  @Test func readsAgain() throws {
    try reading {
      let digest = try state.write(to: path)
      let again = try SavedState(contentsOfFile: path)
      #expect(again == state && digest == state.digest && again.digest == digest)
      #expect(again.arrays["moments.1"]?.map(\.bitPattern) == state.arrays["moments.1"]?.map(\.bitPattern))
      let bytes = try Data(contentsOf: URL(filePath: path))
      try state.write(to: path)
      #expect(try Data(contentsOf: URL(filePath: path)) == bytes)
      try SavedState().write(to: path)
      #expect(try SavedState(contentsOfFile: path) == SavedState())
    }
  }

  /// Arrays that are made one at a time make the same file, and are read one at a time.
  @Test func arrayByArray() throws {
    try reading {
      let digest = try state.write(to: path)
      let bytes = try Data(contentsOf: URL(filePath: path))
      let arrays = state.arrays.sorted { $0.key < $1.key }
      var made: [Int] = []
      let again = try SavedStateFile.write(
        arrays.map { ($0.key, $0.value.count) }, values: state.values, to: path
      ) { place in
        made.append(place)
        return arrays[place].value
      }
      #expect(try again == digest && Data(contentsOf: URL(filePath: path)) == bytes && made == [0, 1, 2, 0, 1, 2])
      let file = try SavedStateFile(path: path)
      #expect(file.digest == digest && file.values == state.values && file.names == arrays.map(\.key))
      for (name, values) in arrays {
        #expect(try file.array(name) == values && file.count(of: name) == values.count)
      }
      #expect(file.count(of: "none") == nil)
      #expect(throws: (any Error).self) { try file.array("none") }
      #expect(try SavedState(file) == state)
    }
  }

  @Test func notANumberKeepsItsBits() throws {
    var state = SavedState()
    state.arrays["a"] = [Float(bitPattern: 0x7FC0_1234), Float(bitPattern: 0xFFC0_0001)]
    try reading {
      try state.write(to: path)
      let again = try SavedState(contentsOfFile: path)
      #expect(again.arrays["a"]?.map(\.bitPattern) == [0x7FC0_1234, 0xFFC0_0001])
    }
  }

  /// Any change of names, values, order or sign changes the digest.
  @Test func digests() {
    var digests: Set<String> = [state.digest]
    let changes: [(inout SavedState) -> Void] = [
      { $0.arrays["empty"] = [0] }, { $0.arrays["empty"] = nil }, { $0.arrays["moments.1"]?[0] = 0 },
      { $0.arrays["gates.logits"]?.swapAt(3, 4) }, { $0.values["step"] = "41" }, { $0.values["step"] = nil },
      { $0.values["ste"] = "p40" }, { $0.values = [:] }, { $0.arrays = [:] },
      { $0.arrays["gates"] = $0.arrays.removeValue(forKey: "gates.logits") },
    ]
    for change in changes {
      var changed = state
      change(&changed)
      digests.insert(changed.digest)
    }
    #expect(digests.count == changes.count + 1)
    #expect(state.digest == state.digest && state.digest.count == 64)
  }

  /// A flipped byte is an error wherever it is.
  @Test(arguments: [UInt8(0x01), 0x20, 0x80]) func flippedBytes(mask: UInt8) throws {
    try reading {
      try state.write(to: path)
      let whole = try Data(contentsOf: URL(filePath: path))
      for place in whole.indices {
        var flipped = whole
        flipped[place] ^= mask
        try flipped.write(to: URL(filePath: path))
        #expect(throws: (any Error).self, "byte \(place)") { try SavedState(contentsOfFile: path) }
      }
    }
  }

  @Test func truncations() throws {
    try reading {
      try state.write(to: path)
      let whole = try Data(contentsOf: URL(filePath: path))
      for length in 0..<whole.count {
        try whole.prefix(length).write(to: URL(filePath: path))
        #expect(throws: (any Error).self) { try SavedState(contentsOfFile: path) }
      }
      try (whole + [0]).write(to: URL(filePath: path))
      #expect(throws: (any Error).self) { try SavedState(contentsOfFile: path) }
    }
  }

  @Test func otherFiles() throws {
    try reading {
      let metadata = ScoreTable.Metadata(criterion: "", objective: "", accumulation: "", modelHash: "", dataHash: "")
      try ScoreTable(layers: [.init(attention: [1], mlp: [2])], metadata: metadata).write(to: path)
      let other = #expect(throws: ArtifactError.self) { try SavedState(contentsOfFile: path) }
      #expect(other?.code == .unsupportedVersion)
      #expect(other?.message.contains("metadata espalier_format is \"scores-1\", not state-1") == true)
      let header = "{\"__metadata__\":{\"espalier_format\":\"state-1\"}}"
      let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
      try Data(length + Array(header.utf8)).write(to: URL(filePath: path))
      let unchecked = #expect(throws: ArtifactError.self) { try SavedState(contentsOfFile: path) }
      #expect(unchecked?.code == .damaged && unchecked?.message.hasPrefix(path) == true)
    }
  }
}
