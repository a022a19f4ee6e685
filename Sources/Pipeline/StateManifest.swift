internal import Artifacts
internal import Crypto
internal import Foundation

/// The list of a stage's saved states, NAME.json: what makes a state whole is that it stands here.
struct StateManifest: Codable, Equatable {
  /// One state, of all ranks.
  struct Generation: Codable, Equatable {
    /// Steps done.
    let step: Int
    /// Of the run document's part that the state depends on.
    let digest: String
    /// ``SavedState/digest`` of what all ranks share.
    let shared: String
    /// ``SavedState/digest`` of each rank's own; empty where it has none. As many as ranks.
    let own: [String]
  }

  /// Newest first.
  let generations: [Generation]
  private let format: String
  /// Over the generations, as JSON.
  private let checksum: String

  private static let format = "state-1"
  /// A file beyond this is none of ours: a generation of 10,000 ranks takes less than 1 MB.
  static let largestFile = 16 << 20

  private enum CodingKeys: String, CodingKey {
    case generations
    case format = "espalier_format"
    case checksum = "sha256"
  }

  init(_ generations: [Generation]) throws {
    self.generations = generations
    format = Self.format
    checksum = try Self.checksum(generations)
  }

  /// The manifest in `json`; nil when it is damaged or of another version.
  init?(json: [UInt8]) {
    guard json.count <= Self.largestFile,
      let manifest = try? JSONDecoder().decode(StateManifest.self, from: Data(json)),
      manifest.format == Self.format, let checksum = try? Self.checksum(manifest.generations),
      manifest.checksum == checksum, manifest.generations.allSatisfy({ !$0.own.isEmpty }),
      let written = try? manifest.json(), written == json
    else { return nil }
    self = manifest
  }

  func json() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return [UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")]
  }

  private static func checksum(_ generations: [Generation]) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return SHA256.hash(data: try encoder.encode(generations)).hexadecimal
  }
}
