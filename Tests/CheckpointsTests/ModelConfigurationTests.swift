import Checkpoints
import TestSupport
import Testing

@Suite struct ModelConfigurationTests {
  static let configuration = ModelConfiguration(
    object: [
      "hidden_size": 64, "zero": 0, "eps": 1e-5, "act": "silu", "tie": true, "nothing": nil, "width": 6.5,
      "architectures": ["LlamaForCausalLM"], "mixed": ["a", 1],
      "rope_parameters": ["factor": "x", "rope_theta": 10000.0],
      "huge": .number(.infinity), "vast": .integer(.max),
    ], path: "/m/config.json")

  @Test func valuesAreReadByType() throws {
    let configuration = Self.configuration
    #expect(try configuration.positiveInteger("hidden_size") == 64)
    #expect(try configuration.integer("zero") == 0)
    #expect(try configuration.number("eps") == 1e-5)
    #expect(try configuration.number("hidden_size") == 64)
    #expect(try configuration.string("act") == "silu")
    #expect(try configuration.bool("tie"))
    #expect(try configuration.optionalInteger("nothing") == nil)
    #expect(try configuration.optionalString("absent") == nil)
    #expect(try configuration.optionalBool("absent") == nil)
    #expect(try configuration.optionalNumber("absent") == nil)
    #expect(try configuration.optionalObject("absent") == nil)
    #expect(try configuration.optionalStrings("architectures") == ["LlamaForCausalLM"])
    #expect(try configuration.object("rope_parameters").number("rope_theta") == 10000)
    #expect(try configuration.require("act") == "silu")
    #expect(configuration.value["zero"] == 0)
  }

  @Test func errorsNameFileKeyAndValue() {
    let configuration = Self.configuration
    let cases: [(() throws -> Void, CheckpointError.Code, String)] = [
      ({ _ = try configuration.integer("absent") }, .missingKey, "key \"absent\" is missing"),
      ({ _ = try configuration.string("nothing") }, .missingKey, "key \"nothing\" is missing"),
      (
        { _ = try configuration.integer("act") }, .invalidValue,
        "key \"act\" is the string \"silu\"; it must be an integer"
      ),
      ({ _ = try configuration.integer("width") }, .invalidValue, "key \"width\" is 6.5; it must be an integer"),
      ({ _ = try configuration.positiveInteger("zero") }, .invalidValue, "is 0; it must be a positive integer"),
      (
        { _ = try configuration.positiveInteger("vast") }, .invalidValue,
        "is 9223372036854775807; it must be a positive"
      ),
      ({ _ = try configuration.number("tie") }, .invalidValue, "key \"tie\" is true; it must be a number"),
      ({ _ = try configuration.number("huge") }, .invalidValue, "finite"),
      ({ _ = try configuration.bool("hidden_size") }, .invalidValue, "is 64; it must be true or false"),
      ({ _ = try configuration.string("architectures") }, .invalidValue, "is a list; it must be a string"),
      ({ _ = try configuration.optionalStrings("mixed") }, .invalidValue, "list of strings"),
      ({ _ = try configuration.object("eps") }, .invalidValue, "is 1e-05; it must be an object"),
      (
        { _ = try configuration.object("rope_parameters").number("factor") }, .invalidValue,
        "key \"rope_parameters.factor\" is the string \"x\"; it must be a number"
      ),
    ]
    for (body, code, part) in cases {
      #expect {
        try body()
      } throws: { error in
        (error as? CheckpointError)?.code == code && "\(error)".contains(part)
          && "\(error)".hasPrefix("/m/config.json: ")
      }
    }
  }

  @Test func aFileMustHoldAnObject() throws {
    let folder = try TemporaryFolder()
    #expect {
      try ModelConfiguration(path: folder.write("[1]", to: "config.json"))
    } throws: { error in
      (error as? CheckpointError)?.code == .invalidJSON && "\(error)".contains("found a list, not an object")
    }
    let path = Fixtures.path("models/tiny-llama-bf16/config.json")
    #expect(try ModelConfiguration(path: path).string("model_type") == "llama")
  }
}
