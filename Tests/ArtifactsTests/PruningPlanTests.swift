import Artifacts
import Foundation
import Testing

/// plan.json: its bytes, and what is refused when it is read.
@Suite struct PruningPlanTests {
  static let scores = ScoreTable.Metadata(
    criterion: "ntk", objective: "max-logit", accumulation: "signed", modelHash: "cafe", dataHash: "da7a")

  /// 2 heads of 10 parameters and 16 neurons of 2: 52 prunable parameters in each layer.
  static let model = [PrunableLayer](
    repeating: PrunableLayer(
      attentionUnits: 2, attentionParametersPerUnit: 10, mlpUnits: 16, mlpParametersPerUnit: 2), count: 2)

  static let plan = PruningPlan(
    modelHash: "cafe", requestedSparsity: 0.25, achievedSparsity: 0.25,
    allocation: .init(method: "global", gamma: 3, roundTo: 8, scores: scores),
    layers: [
      .init(attention: [1], mlp: Array(0..<8)), .init(attention: [0, 1], mlp: Array(0..<16)),
    ])

  static let text = """
    {
      "achieved_sparsity": 0.25,
      "allocation": {"accumulation":"signed","criterion":"ntk","data_hash":"da7a","gamma":3,"method":"global",\
    "objective":"max-logit","round_to":8},
      "format_version": 1,
      "layers": [
        {"attention": [1], "mlp": [0,1,2,3,4,5,6,7]},
        {"attention": [0,1], "mlp": [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]}
      ],
      "model_hash": "cafe",
      "requested_sparsity": 0.25
    }

    """

  private static func refusal(_ json: String) -> ArtifactError? {
    #expect(throws: ArtifactError.self) {
      try PruningPlan(json: Data(json.utf8)).checked(against: model, modelHash: "cafe")
    }
  }

  @Test func bytesAreFixed() throws {
    #expect(String(decoding: try Self.plan.canonicalJSON(), as: UTF8.self) == Self.text)
    #expect(try Self.plan.digest() == "fc9ea692050de6176a1e5666308bc6c2b0a09e1a5343f86d870430481b2841bb")
    var other = Self.plan
    other.layers[0].mlp[7] = 8
    #expect(try other.digest() != Self.plan.digest())
  }

  @Test func whatIsWrittenIsRead() throws {
    var plan = Self.plan
    plan.modelHash = "quotes \" \\ / and a\nnew line, ünïcode"
    plan.requestedSparsity = 0.1 + 0.2
    let read = try PruningPlan(json: plan.canonicalJSON())
    #expect(read == plan)
    #expect(try read.digest() == plan.digest())
    #expect(try PruningPlan(json: JSONEncoder().encode(plan)) == plan)
    #expect(try Self.plan.checked(against: Self.model, modelHash: "cafe") == Self.plan)
  }

  @Test func aPlanThatHasNoJSONFormIsRefused() {
    var plan = Self.plan
    plan.achievedSparsity = .nan
    let refused = plan
    #expect(throws: ArtifactError.self) { try refused.digest() }
  }

  @Test(arguments: [
    ("\"format_version\": 1", "\"format_version\": 2", ArtifactError.Code.unsupportedVersion, "format_version is 2"),
    ("\"format_version\": 1", "\"format_version\": null", .malformed, "format_version is null"),
    ("\"format_version\": 1,", "", .malformed, "format_version has no value"),
    ("\"model_hash\": \"cafe\"", "\"model_hash\": 7", .malformed, "model_hash is not String"),
    ("\"model_hash\": \"cafe\"", "\"model_hash\": \"beef\"", .mismatch, "model_hash is \"beef\""),
    ("[1], \"mlp\"", "[2], \"mlp\"", .invalidIndex, "layers[0].attention[0] is 2 but the model's layer has 2 units"),
    ("[0,1], \"mlp\"", "[1,0], \"mlp\"", .invalidIndex, "layers[1].attention[1] is 0 after 1"),
    ("[0,1], \"mlp\"", "[1,1], \"mlp\"", .invalidIndex, "layers[1].attention[1] is 1 after 1"),
    ("[0,1], \"mlp\"", "[-1,1], \"mlp\"", .invalidIndex, "layers[1].attention[0] is -1"),
    ("5,6,7]}", "5,6,16]}", .invalidIndex, "layers[0].mlp[7] is 16"),
    ("5,6,7]}", "5,6,9223372036854775807]}", .invalidIndex, "layers[0].mlp[7] is 9223372036854775807"),
    ("5,6,7]}", "5,6,9223372036854775808]}", .malformed, "layers[0].mlp[7] is not a number it can be"),
    ("5,6,7]}", "5,6,7.5]}", .malformed, "layers[0].mlp[7] is not a number it can be"),
    ("5,6,7]}", "5,6,\"7\"]}", .malformed, "layers[0].mlp[7] is not Int"),
    ("5,6,7]}", "5,6,null]}", .malformed, "layers[0].mlp[7] is null"),
    ("5,6,7]}", "5,6,7}", .malformed, "is not valid JSON;"),
    ("5,6,7]}", "5,6]}", .belowFloor, "layers[0].mlp keeps 7 of 16 units but must keep at least 8"),
    ("\"global\"", "\"depth\"", .belowFloor, "layers[0].attention keeps 1 of 2 units but must keep at least 2"),
    ("[1], \"mlp\"", "[], \"mlp\"", .mismatch, "achieved_sparsity is 0.25 but"),
    ("[1], \"mlp\"", "[0,1], \"mlp\"", .mismatch, "achieved_sparsity is 0.25 but"),
    ("\"requested_sparsity\": 0.25", "\"requested_sparsity\": 1", .notFinite, "requested_sparsity is 1.0"),
    ("\"requested_sparsity\": 0.25", "\"requested_sparsity\": 1e999", .malformed, "requested_sparsity"),
    ("\"gamma\":3", "\"gamma\":0", .notFinite, "allocation.gamma is 0.0"),
    ("\"gamma\":3,", "", .malformed, "allocation.gamma has no value"),
    ("\"round_to\":8", "\"round_to\":0", .invalidShape, "allocation.round_to is 0"),
    ("    {\"attention\": [1], \"mlp\": [0,1,2,3,4,5,6,7]},\n", "", .mismatch, "has 1 layers but the model has 2"),
  ])
  func aWrongFieldIsNamed(old: String, new: String, code: ArtifactError.Code, says: String) {
    let changed = Self.text.replacingOccurrences(of: old, with: new)
    #expect(changed != Self.text)
    let error = Self.refusal(changed)
    #expect(error?.code == code)
    #expect(error?.description.hasPrefix("plan.json: \(says)") == true, "\(error?.description ?? "")")
    #expect(error?.description.contains("\n") == false)
  }

  @Test(arguments: [
    "", "{", "null", "[]", "7", "\"text\"", "{}", "\u{0}", "{\"format_version\": 1e400}",
    String(repeating: "[", count: 200_000), String(repeating: "{\"a\":", count: 100_000),
    "{\"format_version\": 1, \"layers\": {}}", "{\"format_version\": 1, \"format_version\": 1}",
  ])
  func whatIsNoPlanIsRefused(json: String) {
    let error = Self.refusal(json)
    #expect(error?.code == .malformed)
    #expect(error?.description.contains("\n") == false)
  }

  @Test func bytesCutOrFlippedNeverCrash() throws {
    let bytes = [UInt8](Self.text.utf8)
    var accepted = 0
    for position in bytes.indices {
      let cut = Data(bytes[..<position])
      if (try? PruningPlan(json: cut).checked(against: Self.model)) != nil { accepted += 1 }
      for value in [UInt8(0), 0x22, 0x39, 0x5B, 0xFF] {
        var flipped = bytes
        flipped[position] = value
        _ = try? PruningPlan(json: Data(flipped)).checked(against: Self.model)
      }
    }
    // Without its last line break it is still the same plan.
    #expect(accepted == 1)
  }

  @Test func aMissingFileAndAFolderAreNamed() {
    let folder = FileManager.default.temporaryDirectory.path
    let cases = [
      (
        "/nowhere/plan.json",
        "/nowhere/plan.json: cannot be read: No such file or directory; make it with `espalier allocate` or "
          + "`espalier prune`, or name another file"
      ),
      (folder, "\(folder): is no regular file; name a plan.json"),
    ]
    for (path, message) in cases {
      let error = #expect(throws: ArtifactError.self) { try PruningPlan(contentsOfFile: path) }
      #expect(error == ArtifactError(code: .unreadable, message: message))
    }
  }

  @Test func aFileIsReadThroughALink() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("espalier-plan-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("plan.json")
    let link = folder.appendingPathComponent("link.json")
    try Self.plan.canonicalJSON().write(to: file)
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: file)
    #expect(try PruningPlan(contentsOfFile: link.path) == Self.plan)
    try Data("{".utf8).write(to: file)
    let error = #expect(throws: ArtifactError.self) { try PruningPlan(contentsOfFile: file.path) }
    #expect(error?.description.hasPrefix("\(file.path): is not valid JSON") == true)
  }
}
