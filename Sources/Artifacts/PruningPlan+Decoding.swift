extension PruningPlan {
  /// Decodes the version first, so that a newer file is called newer and not malformed.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let version = try container.number(Int.self, forKey: .formatVersion)
    guard version == Self.currentFormatVersion else {
      throw ArtifactError(
        code: .unsupportedVersion,
        message: "format_version is \(version) but this program reads \(Self.currentFormatVersion); "
          + "make the plan again with this version of espalier")
    }
    self.init(
      modelHash: try container.decode(String.self, forKey: .modelHash),
      requestedSparsity: try container.number(Double.self, forKey: .requestedSparsity),
      achievedSparsity: try container.number(Double.self, forKey: .achievedSparsity),
      allocation: try container.decode(AllocationRecord.self, forKey: .allocation),
      layers: try container.decode([Layer].self, forKey: .layers))
  }
}

extension PruningPlan {
  /// Whether a plan's file has a checksum. A key that no plan has is an error: it may be one that has been damaged.
  struct Seal: Decodable {
    /// The file's key for the plan's digest.
    static let key = "sha256"
    let isThere: Bool

    private struct AnyKey: CodingKey {
      let stringValue: String
      let intValue: Int? = nil
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { return nil }
    }

    init(from decoder: any Decoder) throws {
      let keys = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
      if let unknown = keys.sorted().first(where: { $0 != Self.key && CodingKeys(stringValue: $0) == nil }) {
        throw ArtifactError(
          code: .malformed,
          message: "\(unknown.quotedForMessage) is no key of a plan; remove it, or make the plan again")
      }
      isThere = keys.contains(Self.key)
    }
  }
}

extension PruningPlan.AllocationRecord {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    method = try container.decode(String.self, forKey: .method)
    gamma = try container.number(Double.self, forKey: .gamma)
    roundTo = try container.number(Int.self, forKey: .roundTo)
    criterion = try container.decode(String.self, forKey: .criterion)
    objective = try container.decode(String.self, forKey: .objective)
    accumulation = try container.decode(String.self, forKey: .accumulation)
    dataHash = try container.decode(String.self, forKey: .dataHash)
  }
}

extension PruningPlan.Layer {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    attention = try Self.indices(container, .attention)
    mlp = try Self.indices(container, .mlp)
  }

  /// One index at a time: Foundation reports a number that is no `Int` (7.5, 1e30) without saying where, by an error of
  /// its own.
  private static func indices(_ container: KeyedDecodingContainer<CodingKeys>, _ key: CodingKeys) throws -> [Int] {
    var list = try container.nestedUnkeyedContainer(forKey: key)
    var indices: [Int] = []
    while !list.isAtEnd {
      do {
        indices.append(try list.decode(Int.self))
      } catch let error as DecodingError {
        throw error
      } catch {
        throw DecodingError.dataCorruptedError(in: list, debugDescription: "not an index")
      }
    }
    return indices
  }
}

extension KeyedDecodingContainer {
  /// Decodes a number; one that does not fit its type is reported with its key, which Foundation leaves out.
  fileprivate func number<Number: Decodable>(_ type: Number.Type, forKey key: Key) throws -> Number {
    do {
      return try decode(type, forKey: key)
    } catch let error as DecodingError {
      throw error
    } catch {
      throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: "does not fit")
    }
  }
}
