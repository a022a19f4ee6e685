import Safetensors
import Tensors
import TestSupport
import Testing

@Suite struct SafetensorsWriterTests {
  static func fixtures() -> [String] {
    [Fixtures.path("models/tiny-llama-bf16/model.safetensors")]
      + (1...5).map { Fixtures.path("models/tiny-llama-sharded/model-0000\($0)-of-00005.safetensors") }
  }

  @Test(arguments: fixtures())
  func whatWasReadIsWrittenTheSame(path: String) throws {
    let folder = try TemporaryFolder()
    let original = try SafetensorsFile(path: path)
    for copy in ["first", "second"] {
      let entries = try original.namesInFileOrder.map { TensorEntry(try original.tensor($0)) }
      var writer = try SafetensorsWriter(path: folder.file(copy), entries: entries, metadata: original.metadata)
      for name in original.namesInFileOrder {
        let tensor = try original.tensor(name)
        let half = tensor.byteCount / 2
        try writer.append(name: name, bytes: tensor.bytes.extracting(0..<half))
        try writer.append(name: name, bytes: tensor.bytes.extracting(half..<tensor.byteCount))
      }
      try writer.finish()
    }
    #expect(try folder.read("first") == folder.read("second"))
    #expect(folder.names == ["first", "second"])
    let copy = try SafetensorsFile(path: folder.file("first"))
    #expect(copy.metadata == original.metadata)
    #expect(copy.names == original.names)
    #expect(copy.headerByteCount.isMultiple(of: 8))
    for name in original.names {
      let (old, new) = (try original.tensor(name), try copy.tensor(name))
      #expect(TensorEntry(old) == TensorEntry(new))
      #expect(
        unsafe old.bytes.withUnsafeBytes { unsafe [UInt8]($0) } == new.bytes.withUnsafeBytes { unsafe [UInt8]($0) })
    }
  }

  @Test func theHeaderIsExact() throws {
    let folder = try TemporaryFolder()
    var writer = try SafetensorsWriter(
      path: folder.file("a"),
      entries: [
        .init(name: "z", elementType: .float32, shape: [1, 2]), .init(name: "empty", elementType: .int8, shape: [0]),
        .init(name: "a\"", elementType: .bfloat16, shape: []),
      ], metadata: ["format": "pt", "b": "ü\n"])
    try writer.append(StoredTensor(name: "z", elementType: .float32, shape: [1, 2], values: [1, 2]))
    try writer.append(StoredTensor(name: "a\"", elementType: .bfloat16, shape: [], values: [1]))
    try writer.finish()
    let text =
      #"{"__metadata__":{"b":"ü\n","format":"pt"},"a\"":{"dtype":"BF16","shape":[],"data_offsets":[8,10]},"#
      + #""empty":{"dtype":"I8","shape":[0],"data_offsets":[8,8]},"z":{"dtype":"F32","shape":[1,2],"#
      + #""data_offsets":[0,8]}}"#
    let padding = (8 - text.utf8.count % 8) % 8
    let header = text + String(repeating: " ", count: padding)
    let expected =
      SafetensorsBytes.length(UInt64(header.utf8.count)) + [UInt8](header.utf8) + [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]
      + [0x80, 0x3F]
    #expect(try folder.read("a") == expected)
    #expect(try SafetensorsFile(path: folder.file("a")).tensor("a\"").floats() == [1])
  }

  @Test func tensorsComeAsDeclared() throws {
    let folder = try TemporaryFolder()
    let entries = [
      TensorEntry(name: "a", elementType: .float32, shape: [2]),
      TensorEntry(name: "b", elementType: .float32, shape: [1]),
    ]
    let (a, b) = ([Float](repeating: 1, count: 2), [Float(2)])
    for (code, part, steps) in [
      (SafetensorsError.Code.wrongOrder, "\"b\" is out of turn, \"a\" is next", ["b"]),
      (.invalidOffsets, "\"a\" of shape [2] got 8 bytes with 0 left", ["a", "a"]),
      (.wrongOrder, "\"c\" is out of turn, all are written", ["a", "b", "c"]),
      (.wrongOrder, "\"a\" lacks 8 bytes", []), (.wrongOrder, "\"b\" lacks 4 bytes", ["a"]),
      (.invalidOffsets, "\"b\" of shape [1] got 4 bytes with 0 left", ["a", "b", "b"]),
    ] {
      #expect {
        var writer = try SafetensorsWriter(path: folder.file("out"), entries: entries)
        for step in steps {
          let values = step == "a" ? a : b
          try writer.append(name: step, bytes: unsafe values.span.bytes)
        }
        try writer.finish()
      } throws: { error in
        (error as? SafetensorsError)?.code == code && "\(error)".contains(part)
      }
      #expect(folder.names == [])
    }
  }

  @Test func impossibleDeclarationsAreRefused() throws {
    let folder = try TemporaryFolder()
    let small = TensorEntry(name: "a", elementType: .uint8, shape: [1])
    for (entries, code, part) in [
      ([small, small], SafetensorsError.Code.duplicateName, "declared twice"),
      ([.init(name: "__metadata__", elementType: .uint8, shape: [1])], .duplicateName, "reserved"),
      ([.init(name: "b", elementType: .uint8, shape: [-1])], .invalidShape, "[-1]"),
      ([.init(name: "b", elementType: .uint8, shape: [.max]), small], .invalidShape, "\"a\""),
      ([small, .init(name: "b", elementType: .float32, shape: [1])], .invalidOffsets, "misaligned"),
    ] {
      #expect {
        _ = try SafetensorsWriter(path: folder.file("out"), entries: entries)
      } throws: { error in
        (error as? SafetensorsError)?.code == code && "\(error)".contains(part) && "\(error)".contains(folder.path)
      }
    }
    #expect {
      _ = try SafetensorsWriter(path: folder.file("none/out"), entries: [small])
    } throws: { error in
      (error as? SafetensorsError)?.code == .notWritten
    }
    #expect {
      var writer = try SafetensorsWriter(path: folder.file("out"), entries: [small])
      try writer.append(StoredTensor(name: "a", elementType: .uint8, shape: [1, 1], bytes: [1]))
    } throws: { error in
      "\(error)".contains("was declared U8 [1] but is U8 [1, 1]")
    }
    #expect(folder.names == [])
  }
}
