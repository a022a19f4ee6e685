public import Safetensors
internal import Foundation

/// Where the tests' files lie.
public enum Fixtures {
  /// The repository.
  public static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path(percentEncoded: false)

  /// A tiny random checkpoint, by its folder's name.
  public static func model(_ name: String) -> String { repository + "/Tests/Fixtures/models/" + name }

  /// What PyTorch computed from it.
  public static func golden(_ name: String) throws -> SafetensorsFile {
    try SafetensorsFile(path: repository + "/Tests/Fixtures/golden/" + name + ".safetensors")
  }

  /// A file below Tests/Fixtures.
  public static func path(_ name: String) -> String { repository + "/Tests/Fixtures/" + name }

  /// The bundled model's folder.
  public static let demoModel = repository + "/demo/model"

  /// The folder of SmolLM2-135M (scripts/fetch-smollm2), or nil where it is not there: tests that need it are skipped.
  public static let smolLM2: String? = {
    let path = ProcessInfo.processInfo.environment["ESPALIER_SMOLLM2"] ?? repository + "/.models/smollm2-135m"
    return FileManager.default.fileExists(atPath: path + "/model.safetensors") ? path : nil
  }()
}
