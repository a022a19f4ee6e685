import Checkpoints
import Foundation
import Safetensors
import Tensors
import TestSupport
import Testing

@Suite struct OutputFolderTests {
  static let source = Fixtures.path("models/tiny-llama-sharded")

  /// Writes all of `model` to `path`, in shards by two folders as two ranks would.
  static func copy(_ model: CheckpointFolder, to path: String, maximumShardBytes: Int) throws {
    let groups = model.tensorNames.map { name in model.tensor(named: name).map { [TensorEntry($0)] } ?? [] }
    let layout = try ShardLayout(groups: groups, maximumShardBytes: maximumShardBytes)
    let first = try OutputFolder(preparing: path, sources: [model.path])
    let second = try OutputFolder(opening: path)
    for (index, shard) in layout.shards.enumerated() {
      var writer = try (index.isMultiple(of: 2) ? first : second).writer(for: shard)
      for entry in shard.entries { try writer.append(model.tensor(entry.name, shape: entry.shape.dimensions)) }
      try writer.finish()
    }
    try first.carryOver(from: model, excluding: ["config.v4.json"])
    try first.writeIndex(layout)
    try first.writeConfiguration(model.configuration.value)
    try first.finish()
  }

  @Test(arguments: [200_000, 1 << 30])
  func aCopyIsTheSameModel(limit: Int) throws {
    let folder = try TemporaryFolder()
    let model = try CheckpointFolder(path: Self.source)
    try Self.copy(model, to: folder.file("out/"), maximumShardBytes: limit)
    let copy = try CheckpointFolder(path: folder.file("out"))
    #expect(copy.tensorNames == model.tensorNames)
    #expect(copy.configuration.value == model.configuration.value)
    for name in model.tensorNames {
      #expect(try copy.tensor(named: name)?.floats() == model.tensor(named: name)?.floats())
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("out"))
    #expect(names.filter { $0.hasPrefix(".") } == [])
    #expect(names.contains("generation_config.json") && !names.contains("config.v4.json"))
    #expect(names.contains("model.safetensors") == (limit > 1_000_000))
  }

  @Test func aFolderInUseIsRefusedUnlessOverwritingIsAllowed() throws {
    let folder = try TemporaryFolder()
    for name in [
      "config.json", "model.safetensors", "model-00001-of-00002.safetensors", "notes.txt", "vocab.safetensors",
    ] {
      try folder.write("x", to: name)
    }
    #expect {
      try OutputFolder(preparing: folder.path)
    } throws: { error in
      (error as? CheckpointError)?.code == .outputExists
        && "\(error)".contains("\(folder.path): the folder is not empty")
    }
    #expect(folder.names.count == 5)
    #expect {
      try OutputFolder(preparing: folder.path + "/", overwrite: true, sources: [folder.path])
    } throws: { error in
      (error as? CheckpointError)?.code == .outputExists && "\(error)".contains("the model itself")
    }
    #expect(folder.names.count == 5)
    let output = try OutputFolder(preparing: folder.path, overwrite: true)
    #expect(folder.names == [".espalier-unfinished", "notes.txt", "vocab.safetensors"])
    output.discard()
    #expect(folder.names == ["notes.txt", "vocab.safetensors"])
  }

  @Test func aKilledWriteCanBeginAgain() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("out")
    try Self.kill(path) { try $0.write([1], to: "model-00001-of-00002.safetensors") }
    try folder.write("x", to: "out/.model-00002-of-00002.safetensors.partial-77-3")
    let again = try OutputFolder(preparing: path)
    #expect(try FileManager.default.contentsOfDirectory(atPath: path) == [".espalier-unfinished"])
    try again.writeConfiguration(["a": 1])
    again.discard()
    // The folder stays: it was there before this write began.
    #expect(try FileManager.default.contentsOfDirectory(atPath: path) == [])
  }

  /// A write that ends without a word, as the system ends a process: its lock is given back, its files stay.
  static func kill(_ path: String, after body: (OutputFolder) throws -> Void) throws {
    let folder = try OutputFolder(preparing: path, keepsShards: true)
    try body(folder)
  }

  @Test func leftoversOfAnEarlierWriteStayKnownAsSuch() throws {
    let folder = try TemporaryFolder()
    try folder.write("", to: ".espalier-unfinished")
    try folder.write("x", to: "tokenizer.json")
    try OutputFolder(preparing: folder.path).discard()
    #expect(folder.names == [".espalier-unfinished", "tokenizer.json"])
    try OutputFolder(preparing: folder.path).finish()
    #expect(folder.names == ["tokenizer.json"])
  }

  @Test func discardingRemovesWhatWasWrittenAndNothingElse() throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("out")
    let output = try OutputFolder(preparing: folder.file("out"))
    let other = try OutputFolder(opening: folder.file("out"))
    try output.carryOver(from: CheckpointFolder(path: Self.source))
    try other.write([2], to: "mine.txt")
    try folder.write("x", to: "out/foreign.txt")
    other.discard()
    output.discard()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("out")) == ["foreign.txt"])
  }

  @Test func whatCannotBeMadeIsSaid() throws {
    let folder = try TemporaryFolder()
    try folder.write("x", to: "file")
    for (path, code, part) in [
      (folder.file("no/ne/out"), CheckpointError.Code.outputNotWritable, "no/ne does not exist; create it first"),
      (folder.file("file"), .outputExists, "it is not a folder"),
      (folder.file("file/out"), .outputNotWritable, "file is not a folder"),
      ("/proc/espalier", .outputNotWritable, "cannot create the folder /proc/espalier: "),
      ("", .outputNotWritable, "No such file"),
    ] {
      #expect {
        try OutputFolder(preparing: path)
      } throws: { error in
        (error as? CheckpointError)?.code == code && "\(error)".contains(part) && !"\(error)".contains("\n")
      }
    }
    #expect {
      try OutputFolder(opening: folder.file("none"))
    } throws: { error in
      (error as? CheckpointError)?.code == .outputNotWritable && "\(error)".contains("all ranks share")
    }
    #expect(folder.names == ["file"])
  }

  /// One missing parent is made, and is gone again when nothing came of it.
  @Test func parentIsMade() throws {
    let folder = try TemporaryFolder()
    let output = try OutputFolder(preparing: folder.file("new/out/"))
    #expect(folder.names == ["new"])
    output.discard()
    #expect(folder.names.isEmpty)
    let kept = try OutputFolder(preparing: folder.file("new/out"))
    try folder.write("x", to: "new/foreign.txt")
    kept.discard()
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("new")) == ["foreign.txt"])
  }
}
