import Checkpoints
import Safetensors
import Tensors
import TestSupport
import Testing

/// Two places of a folder that hold the same thing, and folders that are not whole.
@Suite struct FolderSourcesTests {
  private static let map = #"{"a": "one.safetensors", "b": "two.safetensors"}"#

  @Test func copiesBesideASingleFileAreDropped() throws {
    let folder = try ModelFolderBuilder.sharded([:], map: Self.map)
    let tensors = try ["a", "b"].map {
      try StoredTensor(name: $0, elementType: .float32, shape: [20_000], values: (0..<20_000).map(Float.init))
    }
    func write(_ tensors: [StoredTensor], _ name: String) throws {
      var writer = try SafetensorsWriter(path: folder.file(name), entries: tensors.map { TensorEntry($0) })
      for tensor in tensors { try writer.append(tensor) }
      try writer.finish()
    }
    try write(tensors, "model.safetensors")
    try write([tensors[0]], "one.safetensors")
    try write([tensors[1]], "two.safetensors")
    #expect(try CheckpointFolder(path: folder.path).files.count == 1)

    // The last number of the last tensor, another shape, another name, one too few, and a damaged one.
    var values = try tensors[1].floats()
    values[values.count - 1] += 1
    let wrong: [([StoredTensor], String)] = [
      ([try StoredTensor(name: "b", elementType: .float32, shape: [20_000], values: values)], "\"b\" of two"),
      ([try StoredTensor(name: "b", elementType: .float32, shape: [2, 10_000], values: values)], "\"b\" of two"),
      ([tensors[1].renamed("c")], "\"c\" of two"), ([], "only model.safetensors has tensor \"b\""),
    ]
    for (tensors, part) in wrong {
      try write(tensors, "two.safetensors")
      CheckpointFolderTests.expectRefusal(
        folder.path, .inconsistentIndex, "model.safetensors and the shards of model.safetensors.index.json", part,
        "take one of them out")
    }
    try folder.write("damaged", to: "two.safetensors")
    CheckpointFolderTests.expectRefusal(folder.path, .inconsistentIndex, "two.safetensors cannot be read")
    // An index alone, or one that names the single file or nothing, contradicts nothing.
    for index in [
      #"{"weight_map": {"a": "model.safetensors"}}"#, "{}", "damaged", #"{"weight_map": {"a": "gone.safetensors"}}"#,
    ] {
      try folder.write(index, to: "model.safetensors.index.json")
      #expect(try CheckpointFolder(path: folder.path).tensorNames == ["a", "b"])
    }
  }

  @Test func aTensorInTwoShardsHasToBeTheSame() throws {
    let folder = try ModelFolderBuilder.sharded(
      ["one.safetensors": ["a", "b"], "two.safetensors": ["c"]],
      map: #"{"a": "one.safetensors", "b": "one.safetensors", "c": "two.safetensors"}"#)
    // `a` is [0, -0] as the first of a file, and [1, -1] as the second.
    try ModelFolderBuilder.weights(["a", "c"], to: folder.file("two.safetensors"))
    #expect(try CheckpointFolder(path: folder.path).tensorNames == ["a", "b", "c"])
    try ModelFolderBuilder.weights(["c", "a"], to: folder.file("two.safetensors"))
    CheckpointFolderTests.expectRefusal(folder.path, .inconsistentIndex, "\"a\" is also in one.safetensors, with other")
  }

  @Test func linksThatLeadNowhereAreSaid() throws {
    let folder = try TemporaryFolder()
    try folder.link("config.json", to: "../../blobs/1")
    CheckpointFolderTests.expectRefusal(
      folder.path, .missingConfiguration, "config.json: it is a symbolic link to ../../blobs/1", "cp -rL")
    let other = try ModelFolderBuilder.sharded(["one.safetensors": ["a"]], map: Self.map)
    try other.link("two.safetensors", to: "blob")
    CheckpointFolderTests.expectRefusal(other.path, .missingWeights, "two.safetensors: it is a symbolic link to blob")
    try other.link("model.safetensors", to: "blob")
    CheckpointFolderTests.expectRefusal(other.path, .missingWeights, "model.safetensors: it is a symbolic link to blob")
    try other.link("link", to: "none")
    CheckpointFolderTests.expectRefusal(other.file("link"), .missingFolder, "link: it is a symbolic link to none")
  }

  @Test func weightsUnderOtherNamesAreSaid() throws {
    for (names, part) in [
      (["adapter_model.safetensors"], "merge_and_unload"), (["model-00001-of-00002.safetensors"], "get that file too"),
      (["model.fp16.safetensors"], "rename it to model.safetensors"), (["a.safetensors", "b.safetensors"], "neither"),
    ] {
      let folder = try TemporaryFolder()
      try folder.write("{}", to: "config.json")
      for name in names { try folder.write("", to: name) }
      CheckpointFolderTests.expectRefusal(folder.path, .missingWeights, part)
    }
  }

  @Test func ofEqualKeysTheLastCounts() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      #"{"a": 1, "b": {"c": 1, "c": 2}, "a": 1, "d": [{"e": "x", "e": "y"}], "c": 1, "c": 3}"#, to: "config.json")
    let configuration = try ModelConfiguration(path: path)
    #expect(configuration.value == ["a": 1, "b": ["c": 2], "d": [["e": "y"]], "c": 3])
    #expect(
      configuration.warnings
        == ["c", "e"].map {
          "\(path): key \"\($0)\" stands twice with different values; the last one counts, as in Python"
        })
    #expect(try JSONValue(parsing: [UInt8](#"{"a": 1, "a": 2}"#.utf8), path: "x") == ["a": 2])
  }

  @Test func anotherFileInTheConfigurationsPlaceIsSaid() throws {
    for (bytes, part) in [
      ([0xEF, 0xBB, 0xBF, 0x7B, 0x7D], "byte-order mark"), ([0xFE, 0xFF, 0, 0x7B], "UTF-16"),
      ([UInt8]("version https://git-lfs.github.com/spec/v1".utf8), "git lfs pull"),
      ([UInt8]("<html>".utf8), "web page"), ([], "empty"),
    ] as [([UInt8], String)] {
      #expect {
        try JSONValue(parsing: bytes, path: "config.json")
      } throws: { error in
        (error as? CheckpointError)?.code == .invalidJSON && "\(error)".contains(part)
      }
    }
  }
}
