import Checkpoints
import Foundation
import Safetensors
import Tensors
import TestSupport
import Testing

@Suite struct CheckpointFolderTests {
  /// That opening `path` fails with `code`, in one line that holds `parts`.
  static func expectRefusal(
    _ path: String, _ code: CheckpointError.Code, _ parts: String..., location: SourceLocation = #_sourceLocation
  ) {
    #expect(sourceLocation: location) {
      try CheckpointFolder(path: path)
    } throws: { error in
      (error as? CheckpointError)?.code == code && parts.allSatisfy { "\(error)".contains($0) }
        && !"\(error)".contains("\n")
    }
  }

  @Test func oneFileAndShardsAreRead() throws {
    let single = try CheckpointFolder(path: Fixtures.path("models/tiny-llama-bf16") + "/")
    let sharded = try CheckpointFolder(path: Fixtures.path("models/tiny-llama-sharded"))
    #expect(single.tensorNames == sharded.tensorNames)
    #expect(sharded.files.count == 5)
    #expect(single.totalBytes * 2 == sharded.totalBytes)
    #expect(try single.configuration.integer("hidden_size") == 64)
    #expect(try single.carriedOver().names == ["generation_config.json"])
    #expect(single.tensor(named: "model.norm.weight")?.elementType == .bfloat16)
    #expect(single.tensor(named: "none") == nil)
    #expect(try sharded.tensor("model.norm.weight", shape: [64]).floats().count == 64)
    #expect(sharded.unexpectedTensors(expected: Set(sharded.tensorNames.dropFirst())) == [sharded.tensorNames[0]])
  }

  @Test func wrongShapesAndMissingTensorsAreSaid() throws {
    let folder = try CheckpointFolder(path: Fixtures.path("models/tiny-llama-bf16"))
    #expect {
      try folder.tensor("model.norm.weight", shape: [65])
    } throws: { error in
      (error as? CheckpointError)?.code == .wrongShape
        && ["bf16/model.safetensors", "\"model.norm.weight\"", "[64]", "[65]"].allSatisfy { "\(error)".contains($0) }
    }
    #expect {
      try folder.tensor("none", shape: [2, 3])
    } throws: { error in
      (error as? CheckpointError)?.code == .missingTensor && "\(error)".contains("\"none\" of shape [2, 3] is missing")
    }
  }

  @Test func whatIsNoModelFolderIsSaid() throws {
    let folder = try TemporaryFolder()
    Self.expectRefusal("meta-llama/Llama-3.1-8B", .missingFolder, "does not exist", "no hub is asked")
    Self.expectRefusal(folder.file("none"), .missingFolder, "does not exist; give the folder")
    Self.expectRefusal("", .missingFolder, "does not exist")
    Self.expectRefusal(try folder.write("", to: "file"), .missingFolder, "is not a folder")
    Self.expectRefusal(folder.path, .missingConfiguration, "config.json is missing")
    try folder.write("{", to: "config.json")
    Self.expectRefusal(folder.path, .invalidJSON, "config.json: not valid JSON")
    try folder.write("{}", to: "config.json")
    Self.expectRefusal(folder.path, .missingWeights, "neither model.safetensors nor model.safetensors.index.json")
    try folder.write("", to: "training_args.bin")
    Self.expectRefusal(folder.path, .missingWeights, "neither")
    try folder.write("", to: "model.gguf")
    Self.expectRefusal(folder.path, .missingWeights, "model.gguf is not read")
    try folder.write("", to: "pytorch_model.bin")
    Self.expectRefusal(folder.path, .missingWeights, "pickled (pytorch_model.bin)", "convert them to safetensors")
    try folder.write("", to: "model.safetensors")
    Self.expectRefusal(folder.path, .damagedWeights, "model.safetensors: the file has 0 bytes")
  }

  @Test func anIndexMustAgreeWithItsShards() throws {
    let shards = ["one.safetensors": ["a", "b"], "two.safetensors": ["c"]]
    let good = #"{"a": "one.safetensors", "b": "one.safetensors", "c": "two.safetensors"}"#
    let folder = try ModelFolderBuilder.sharded(shards, map: good)
    #expect(try CheckpointFolder(path: folder.path).tensorNames == ["a", "b", "c"])
    for (shards, map, parts) in [
      (shards, "[]", ["weight_map"]), (shards, "{}", ["names no tensors"]), (shards, #"{"a": 1}"#, ["\"a\" is in 1"]),
      (shards, good.replacingOccurrences(of: "\"c\"", with: "\"d\""), ["two.safetensors", "\"c\" is not in", "index"]),
      (
        shards, good.replacingOccurrences(of: "}", with: #", "e": "two.safetensors"}"#),
        ["\"e\" should be in two.safetensors but is in no shard"]
      ),
      (
        shards, good.replacingOccurrences(of: #""b": "one"#, with: #""b": "two"#),
        ["\"b\" should be in two.safetensors but is in one.safetensors"]
      ),
      (["one.safetensors": ["a", "b"], "two.safetensors": ["c", "a"]], good, ["\"a\" is also in one.safetensors"]),
    ] {
      let folder = try ModelFolderBuilder.sharded(shards, map: map)
      #expect {
        try CheckpointFolder(path: folder.path)
      } throws: { error in
        (error as? CheckpointError)?.code == .inconsistentIndex && parts.allSatisfy { "\(error)".contains($0) }
          && "\(error)".hasPrefix(folder.path)
      }
    }
    let missing = try ModelFolderBuilder.sharded(["one.safetensors": ["a", "b"]], map: good)
    Self.expectRefusal(missing.path, .missingWeights, "two.safetensors is missing", "names it")
  }

  @Test(arguments: ["../x.safetensors", "/etc/x.safetensors", "..", "", ".x.safetensors", "a/b.safetensors", "x.bin"])
  func anIndexNamesPlainFilesOnly(name: String) throws {
    let folder = try ModelFolderBuilder.sharded([:], map: "{\"a\": \"\(name)\"}")
    Self.expectRefusal(folder.path, .inconsistentIndex, "\"a\"", "no plain .safetensors file name")
  }

  @Test func aSingleFileIsPreferredToAnIndex() throws {
    let folder = try ModelFolderBuilder.sharded([:], map: #"{"a": "gone.safetensors"}"#)
    try ModelFolderBuilder.weights(["single"], to: folder.file("model.safetensors"))
    #expect(try CheckpointFolder(path: folder.path).tensorNames == ["single"])
  }

  @Test func theHuggingFaceCacheWorks() throws {
    let cache = try TemporaryFolder()
    try cache.makeFolder("blobs")
    try cache.makeFolder("snapshots/abc")
    let names = try FileManager.default.contentsOfDirectory(atPath: Fixtures.path("models/tiny-llama-sharded")).sorted()
    for (index, name) in names.enumerated() {
      try cache.write(
        TemporaryFolder.bytes(of: Fixtures.path("models/tiny-llama-sharded/\(name)")), to: "blobs/\(index)")
      try cache.link("snapshots/abc/\(name)", to: "../../blobs/\(index)")
    }
    let linked = try CheckpointFolder(path: cache.file("snapshots/abc"))
    let plain = try CheckpointFolder(path: Fixtures.path("models/tiny-llama-sharded"))
    #expect(linked.tensorNames == plain.tensorNames)
    #expect(linked.modelHash() == plain.modelHash())
    #expect(try linked.carriedOver() == plain.carriedOver())
  }

  @Test func theHashTellsModelsApart() throws {
    let folder = try TemporaryFolder()
    func hash(_ configuration: String, _ names: [String]) throws -> String {
      try folder.write(configuration, to: "config.json")
      try ModelFolderBuilder.weights(names, to: folder.file("model.safetensors"))
      return try CheckpointFolder(path: folder.path).modelHash()
    }
    let first = try hash(#"{"a": 1, "b": 2.0}"#, ["a", "b"])
    #expect(first.count == 64)
    #expect(try hash(#"{"b":2.0,"a":1}"#, ["a", "b"]) == first)
    #expect(try hash(#"{"a": 2, "b": 2.0}"#, ["a", "b"]) != first)
    #expect(try hash(#"{"a": 1, "b": 2.0}"#, ["a", "c"]) != first)
    _ = try hash(#"{"a": 1, "b": 2.0}"#, ["a", "b"])
    var bytes = try folder.read("model.safetensors")
    bytes[bytes.count - 1] ^= 1
    try folder.write(bytes, to: "model.safetensors")
    #expect(try CheckpointFolder(path: folder.path).modelHash() != first)
  }
}
