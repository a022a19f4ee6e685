import Safetensors
import Tensors
import TestSupport
import Testing

@Suite struct SafetensorsFileTests {
  /// A header that the format forbids, and what is said of it.
  struct Hostile: Sendable, CustomTestStringConvertible {
    let header: String
    let code: SafetensorsError.Code
    let parts: [String]
    var dataByteCount = 8
    var testDescription: String { String(header.prefix(80)) }

    init(_ header: String, _ code: SafetensorsError.Code, _ parts: String..., data: Int = 8) {
      self.header = header
      self.code = code
      self.parts = parts
      self.dataByteCount = data
    }
  }

  static func one(_ type: String = "F32", _ shape: String = "[2]", _ begin: String = "0", _ end: String = "8") -> String
  {
    "{" + SafetensorsBytes.entry("w", type, shape, begin, end) + "}"
  }

  static let hostile: [Hostile] = [
    .init("", .invalidHeader, "does not begin with \"{\""),
    .init("[]", .invalidHeader, "does not begin with \"{\""),
    .init("{", .invalidHeader, "ends where a string"),
    .init("{\"w\"", .invalidHeader, "ends where \":\""),
    .init(one() + "x", .invalidHeader, "found \"x\" where the end"),
    .init("{\"w\":1}", .invalidHeader, "\"w\"", "where \"{\" should be"),
    .init("{\"w\":{}}", .invalidHeader, "\"w\"", "missing"),
    .init(String(repeating: "{\"w\":", count: 200_000), .invalidHeader, "objects or lists in each other"),
    .init("{\"w\":" + String(repeating: "[", count: 200_000), .invalidHeader, "where \"{\" should be"),
    .init("{\"w\":{\"shape\":" + String(repeating: "[", count: 200_000), .invalidHeader, "whole number"),
    .init(one("F8_E4M3"), .unknownElementType, "\"w\"", "\"F8_E4M3\"", "BF16", "convert"),
    .init(one("F32", "[-2]"), .invalidHeader, "\"w\"", "whole number"),
    .init(one("F32", "[2.0]"), .invalidHeader, "fraction"),
    .init(one("F32", "[2e0]"), .invalidHeader, "exponent"),
    .init(one("F32", "[02]"), .invalidHeader, "begins with 0"),
    .init(one("F32", "[99999999999999999999]"), .invalidHeader, "larger than"),
    .init(one("F32", "[4611686018427387904,4]"), .invalidShape, "impossible shape"),
    .init(one("F32", "[4611686018427387904]"), .invalidShape, "impossible shape"),
    .init(one("F32", "[" + (0..<65).map { _ in "1" }.joined(separator: ",") + "]"), .invalidShape, "more than 64"),
    .init(one("F32", "2"), .invalidHeader, "\"[\""),
    .init(one("F32", "[2]", "-1", "7"), .invalidHeader, "whole number"),
    .init(one("F32", "[2]", "0", "8.5"), .invalidHeader, "fraction"),
    .init(one("F32", "[2]", "8", "0"), .invalidOffsets, "data_offsets [8, 0]"),
    .init(one("F32", "[2]", "0", "16"), .invalidOffsets, "has 8 bytes", "truncated"),
    .init(one("F32", "[2]", "0", "9223372036854775807"), .invalidOffsets, "truncated"),
    .init(one("F32", "[2]", "0", "4"), .invalidOffsets, "needs 8"),
    .init(one("F32", "[1]", "4", "8"), .invalidOffsets, "leaves a hole before it"),
    .init(one("F32", "[1]", "0", "4"), .invalidOffsets, "4 bytes from byte", "belong to no tensor"),
    .init(
      "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,9]}}", .invalidHeader, "two numbers"),
    .init(
      "{" + SafetensorsBytes.entry("a", "F32", "[1]", "0", "4") + ","
        + SafetensorsBytes.entry("b", "F32", "[1]", "2", "6") + "}", .invalidOffsets, "\"b\"", "overlaps"),
    .init(
      "{" + SafetensorsBytes.entry("a", "F32", "[1]", "0", "4") + ","
        + SafetensorsBytes.entry("a", "F32", "[1]", "4", "8") + "}", .duplicateName, "\"a\" stands twice"),
    .init(
      "{" + SafetensorsBytes.entry("a", "F32", "[1]", "0", "4") + ","
        + SafetensorsBytes.entry("\\u0061", "F32", "[1]", "4", "8") + "}", .duplicateName, "\"a\" stands twice"),
    .init("{\"w\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", .duplicateName, "\"dtype\""),
    .init("{\"__metadata__\":{\"a\":1}}", .invalidHeader, "where a string should be"),
    .init("{\"__metadata__\":null,\"__metadata__\":{}}", .duplicateName, "__metadata__", "twice"),
    .init("{\"__metadata__\":{\"a\":null}}", .invalidHeader, "where a string should be"),
    .init("{\"__metadata__\":[]}", .invalidHeader, "where \"{\" should be"),
    .init("{\"w\":null}", .invalidHeader, "where \"{\" should be"),
    .init(one("F4"), .unknownElementType, "quantised", "made from"),
    .init(one("C64", "[1]"), .unknownElementType, "not known", "convert"),
    .init(one() + "\u{0}", .invalidHeader, "byte 0 where the end"),
    .init("\u{FEFF}" + one(), .invalidHeader, "does not begin with \"{\""),
    .init(
      "{" + SafetensorsBytes.entry("a", "F32", "[0,7]", "4", "4") + ","
        + SafetensorsBytes.entry("b", "F32", "[2]", "0", "8") + "}", .invalidOffsets, "\"a\"", "overlaps"),
    .init("{\"w\\ud800\":1}", .invalidHeader, "surrogate"),
    .init("{\"w\\ud800\\u0041\":1}", .invalidHeader, "surrogate"),
    .init("{\"w\\u12\":1}", .invalidHeader, "escape"),
    .init("{\"w\\x\":1}", .invalidHeader, "escape"),
    .init("{\"w\n\":1}", .invalidHeader, "control character"),
    .init("{\"a\\nb\":1}", .invalidHeader, "a\\u{a}b"),
  ]

  @Test(arguments: hostile)
  func aHostileHeaderIsRefusedInOneLine(_ hostile: Hostile) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(
      SafetensorsBytes.file(header: hostile.header, dataByteCount: hostile.dataByteCount), to: "model.safetensors")
    #expect {
      try SafetensorsFile(path: path)
    } throws: { error in
      let text = "\(error)"
      return (error as? SafetensorsError)?.code == hostile.code && text.hasPrefix(path) && text.contains("byte")
        && hostile.parts.allSatisfy { text.contains($0) } && !text.contains("\n") && text.count < 800
    }
  }

  @Test func invalidUTF8IsRefused() throws {
    let folder = try TemporaryFolder()
    var bytes = SafetensorsBytes.file(header: Self.one(), dataByteCount: 8)
    bytes[10] = 0xFF
    let path = try folder.write(bytes, to: "model.safetensors")
    #expect {
      try SafetensorsFile(path: path)
    } throws: { error in
      "\(error)".contains("not valid UTF-8, at byte 9")
    }
  }

  @Test(arguments: [
    ([UInt8](), SafetensorsError.Code.truncated, "0 bytes"), ([1, 2, 3], .truncated, "3 bytes"),
    (SafetensorsBytes.length(100), .truncated, "claims 100 bytes, but the file has 8"),
    (SafetensorsBytes.length(100_000_001), .headerTooLong, "100000001"),
    (SafetensorsBytes.length(.max), .headerTooLong, "18446744073709551615"),
  ])
  func anImpossibleLengthIsRefused(bytes: [UInt8], code: SafetensorsError.Code, part: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(bytes, to: "model.safetensors")
    #expect {
      try SafetensorsFile(path: path)
    } throws: { error in
      (error as? SafetensorsError)?.code == code && "\(error)".contains(part) && "\(error)".hasPrefix(path)
    }
  }

  @Test func whatTheFormatAllowsIsRead() throws {
    let folder = try TemporaryFolder()
    let header =
      "{ \"__metadata__\" : {\"format\":\"pt\",\"q\\u00fc\\ud83d\\ude00\":\"\\\"\\/\\n\"},"
      + SafetensorsBytes.entry("b", "U8", "[4]", "0", "4") + ","
      + SafetensorsBytes.entry("scalar", "BF16", "[]", "4", "6") + ","
      + SafetensorsBytes.entry("empty", "F32", "[0, 7]", "4", "4") + "}   "
    let file = try SafetensorsFile(
      path: folder.write(SafetensorsBytes.file(header: header, dataByteCount: 6), to: "model.safetensors"))
    #expect(file.metadata == ["format": "pt", "qü😀": "\"/\n"])
    #expect(file.names == ["b", "empty", "scalar"])
    #expect(file.namesInFileOrder == ["b", "empty", "scalar"])
    #expect(try file.tensor("b").integers() == [0, 1, 2, 3])
    #expect(try file.tensor("empty").floats() == [])
    #expect(try file.tensor("scalar").floats().count == 1)
    #expect(file.contains("b") && !file.contains("c"))
    #expect {
      try file.tensor("c")
    } throws: { error in
      (error as? SafetensorsError)?.code == .missingTensor && "\(error)".contains("\"c\" is missing")
    }
    let none = try SafetensorsFile(
      path: folder.write(SafetensorsBytes.file(header: "{}", dataByteCount: 0), to: "none"))
    #expect(none.names == [])
  }

  @Test func missingFilesAndPipesAreSaid() throws {
    let folder = try TemporaryFolder()
    for (path, part) in [(folder.file("none"), "No such file"), (folder.path, "directory")] {
      #expect {
        try SafetensorsFile(path: path)
      } throws: { error in
        (error as? SafetensorsError)?.code == .storage && "\(error)".contains(part) && "\(error)".contains(path)
      }
    }
  }
}
