import Safetensors
import Tensors
import TestSupport
import Testing

/// What Hugging Face's safetensors 0.8 opens opens here, and what it says of files that are none.
@Suite struct AcceptedFilesTests {
  private static let w = SafetensorsBytes.entry("w", "F32", "[2]", "0", "8")

  static let accepted: [(String, [String: String])] = [
    ("{\"__metadata__\":null,\(w)}", [:]), ("{\"__metadata__\": {},\(w)}", [:]),
    ("{\(w),\"__metadata__\":{\"a\":\"1\"}}", ["a": "1"]),
    ("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"},\(w)}", ["a": "2"]),
    ("{\(w)}   \n", [:]), (" {\(w)}", [:]), ("{\(w),\(w)}", [:]),
    ("{\"w\":{\"data_offsets\":[0,8],\"shape\":[2],\"dtype\":\"F32\"}}", [:]),
    ("{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":{\"y\":[1,-2.5e3,null,\"z\"]}}}", [:]),
  ]

  @Test(arguments: accepted) func headersThatTheReferenceTakes(header: String, metadata: [String: String]) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(SafetensorsBytes.file(header: header, dataByteCount: 8), to: "a.safetensors")
    let file = try SafetensorsFile(path: path)
    #expect(file.metadata == metadata && file.names == ["w"])
    #expect(try file.tensor("w").shape == [2] && file.tensor("w").byteCount == 8)
  }

  @Test func emptyTensorsAndAnyOrderAreRead() throws {
    let folder = try TemporaryFolder()
    let header =
      "{" + SafetensorsBytes.entry("z", "F32", "[1]", "4", "8") + ","
      + SafetensorsBytes.entry("e", "BF16", "[0,7]", "4", "4") + ","
      + SafetensorsBytes.entry("f", "F32", "[0]", "8", "8") + "," + SafetensorsBytes.entry("a", "F32", "[1]", "0", "4")
      + "}"
    let file = try SafetensorsFile(
      path: folder.write(SafetensorsBytes.file(header: header, dataByteCount: 8), to: "a.safetensors"))
    #expect(file.names == ["a", "e", "f", "z"] && file.namesInFileOrder == ["a", "e", "z", "f"])
    #expect(try file.tensor("e").byteCount == 0 && file.tensor("f").byteCount == 0)
  }

  /// A file that begins so and goes on somehow.
  private static func file(_ head: [UInt8]) -> [UInt8] { head + [UInt8](repeating: 1, count: 40) }

  static let others: [([UInt8], String)] = [
    (Array("version https://git-lfs.github.com/spec/v1\noid sha256:1\n".utf8), "git lfs pull"),
    (Array("\n <html><body>Not found</body></html>".utf8), "a web page"),
    (file([0x50, 0x4B, 0x03, 0x04]), "save_pretrained"), (file([0x80, 0x02]), "save_pretrained"),
    (file([0x1F, 0x8B, 8, 0]), "unpack"), (file([0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0]), "GGUF"),
    ([UInt8](repeating: 0, count: 100), "begins with zeros"),
  ]

  @Test(arguments: others) func filesThatAreSomethingElse(bytes: [UInt8], part: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(bytes, to: "a.safetensors")
    #expect {
      try SafetensorsFile(path: path)
    } throws: { error in
      "\(error)".hasPrefix("\(path): ") && "\(error)".contains(part) && (error as? SafetensorsError)?.code != .storage
    }
  }

  @Test func aBrokenLinkIsSaid() throws {
    let folder = try TemporaryFolder()
    try folder.link("a.safetensors", to: "../blobs/1")
    try folder.link("loop.safetensors", to: "loop.safetensors")
    for (name, target) in [("a.safetensors", "../blobs/1"), ("loop.safetensors", "loop.safetensors")] {
      #expect {
        try SafetensorsFile(path: folder.file(name))
      } throws: { error in
        (error as? SafetensorsError)?.code == .storage && "\(error)".contains("symbolic link to \(target), which leads")
          && "\(error)".contains("cp -rL")
      }
    }
  }
}
