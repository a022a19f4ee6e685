public import Safetensors
internal import Tensors

/// How the tensors of a model to write are spread over files: the same groups and limit give the same layout on every
/// rank.
public struct ShardLayout: Sendable, Equatable {
  /// One file.
  public struct Shard: Sendable, Equatable {
    /// `model.safetensors`, or `model-00001-of-00003.safetensors`.
    public let fileName: String
    /// The tensors in the order in which they are to be written.
    public let entries: [TensorEntry]
    /// The groups that have tensors here, as indices of the layout's groups.
    public let groups: ClosedRange<Int>
    /// Bytes of the tensors.
    public let byteCount: Int
  }

  public let shards: [Shard]
  /// Bytes of all tensors.
  public let totalBytes: Int

  /// Lays out groups of tensors, such as layers, in order.
  ///
  /// A group is kept together unless it is larger than the limit; it is then split between tensors. A tensor is never
  /// split, so one larger than the limit has a file for itself.
  ///
  /// - Parameters:
  ///   - groups: the tensors by group; empty groups are passed over.
  ///   - maximumShardBytes: the most bytes of tensors in a file.
  /// - Throws: ``CheckpointError`` for a limit below 1, no tensors at all, a name that stands twice, or an impossible
  ///   shape.
  public init(groups: [[TensorEntry]], maximumShardBytes: Int) throws(CheckpointError) {
    guard maximumShardBytes > 0 else {
      throw CheckpointError(
        .invalidLayout, "a shard of at most \(maximumShardBytes) bytes holds nothing; raise the limit")
    }
    var builder = Builder(limit: maximumShardBytes)
    var names = Set<String>()
    var totalBytes = 0
    for (index, group) in groups.enumerated() {
      var sizes = [Int]()
      var groupBytes = 0
      for entry in group {
        let (total, overflow) = totalBytes.addingReportingOverflow(entry.byteCount ?? Int.max)
        guard let byteCount = entry.byteCount, !overflow else {
          throw CheckpointError(
            .invalidLayout, "tensor \(OneLine.quoted(entry.name)) has the impossible shape \(entry.shape)")
        }
        guard names.insert(entry.name).inserted else {
          throw CheckpointError(.invalidLayout, "tensor \(OneLine.quoted(entry.name)) is to be written twice")
        }
        totalBytes = total
        groupBytes += byteCount
        sizes.append(byteCount)
      }
      if !builder.fits(groupBytes) { builder.close() }
      for (entry, byteCount) in zip(group, sizes) {
        if !builder.fits(byteCount) { builder.close() }
        builder.add(entry, byteCount, group: index)
      }
    }
    builder.close()
    guard !builder.shards.isEmpty else { throw CheckpointError(.invalidLayout, "there are no tensors to write") }
    let count = builder.shards.count
    self.totalBytes = totalBytes
    self.shards = builder.shards.enumerated().map { index, shard in
      Shard(
        fileName: count == 1
          ? CheckpointFolder.singleFileName
          : "model-\(Self.fiveDigits(index + 1))-of-\(Self.fiveDigits(count)).safetensors",
        entries: Self.aligned(shard.entries), groups: shard.groups, byteCount: shard.byteCount)
    }
  }

  /// The content of `model.safetensors.index.json`; nil for a single file, which has none.
  public var index: JSONValue? {
    guard shards.count > 1 else { return nil }
    var map = [String: JSONValue]()
    for shard in shards {
      for entry in shard.entries { map[entry.name] = .string(shard.fileName) }
    }
    return ["metadata": ["total_size": .integer(Int64(totalBytes))], "weight_map": .object(map)]
  }

  private static func fiveDigits(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }

  /// `entries` as they are, unless a tensor would begin at no multiple of its element's size, which PyTorch cannot load;
  /// then the wider element types come first.
  private static func aligned(_ entries: [TensorEntry]) -> [TensorEntry] {
    var position = 0
    let isAligned = entries.allSatisfy { entry in
      defer { position += entry.byteCount ?? 0 }
      return position.isMultiple(of: entry.elementType.byteCount)
    }
    if isAligned { return entries }
    return entries.enumerated().sorted {
      ($1.element.elementType.byteCount, $0.offset) < ($0.element.elementType.byteCount, $1.offset)
    }.map(\.element)
  }

  /// Fills one shard after the other.
  private struct Builder {
    let limit: Int
    var shards: [(entries: [TensorEntry], groups: ClosedRange<Int>, byteCount: Int)] = []
    private var entries: [TensorEntry] = []
    private var byteCount = 0
    private var firstGroup = 0
    private var lastGroup = 0

    init(limit: Int) { self.limit = limit }

    func fits(_ bytes: Int) -> Bool { entries.isEmpty || bytes <= limit - byteCount }

    mutating func add(_ entry: TensorEntry, _ bytes: Int, group: Int) {
      if entries.isEmpty { firstGroup = group }
      lastGroup = group
      entries.append(entry)
      byteCount += bytes
    }

    mutating func close() {
      guard !entries.isEmpty else { return }
      shards.append((entries, firstGroup...lastGroup, byteCount))
      entries = []
      byteCount = 0
    }
  }
}
