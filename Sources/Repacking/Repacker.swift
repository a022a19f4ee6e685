public import Architectures
public import Artifacts
internal import Blueprints
public import Checkpoints
public import Communication
internal import Safetensors
internal import Tensors

/// What the configuration of a finished model says of its making.
public struct Provenance: Sendable {
  /// Espalier's version.
  public var version: String
  /// SHA-256 of the plan, hexadecimal; nil where nothing is cut.
  public var planHash: String?

  public init(version: String, planHash: String? = nil) {
    self.version = version
    self.planHash = planHash
  }
}

/// What a finished checkpoint is like.
public struct RepackedCheckpoint: Sendable {
  public var layout: CheckpointLayout
  /// Bytes of its tensors.
  public var byteCount: Int
  public var parameterCount: Int
}

/// Writes the smaller checkpoint: the kept units' rows and columns, streamed from the mapped model, byte for byte where
/// nothing is folded in.
///
/// The files are the same however many ranks write them: of the shards to write, s is rank s mod R's. Rank 0 prepares the folder, carries
/// files over, and writes index and configuration last, so that a folder with a config.json is a whole one.
public struct Repacker {
  let model: Model
  let plan: PruningPlan?
  let edits: TensorEdits
  private let pruned: Blueprint
  let communicator: any Communicator

  /// - Parameters:
  ///   - plan: checked against the model; nil to keep it whole.
  ///   - edits: what changes the numbers; the same on every rank.
  public init(
    _ model: Model, plan: PruningPlan?, edits: TensorEdits = TensorEdits(), communicator: any Communicator
  ) {
    self.model = model
    self.plan = plan
    self.edits = edits
    self.communicator = communicator
    pruned = plan.map(model.blueprint.keeping) ?? model.blueprint
  }

  /// What a write tells and asks while it goes on.
  public struct Hooks {
    /// The process's exit code for an error, for ``Communicator/together(exitCode:isCommon:_:)``.
    public var exitCode: (any Error) -> Int32
    /// Whether an error lies in the model, which all ranks hold, as there.
    public var isCommon: (any Error) -> Bool = { _ in false }
    /// Bytes written by this rank, of how many.
    public var progress: ((_ done: Int, _ total: Int) -> Void)?
    /// Told how many bytes are this rank's to write, before it begins.
    public var share: (_ bytes: Int) -> Void = { _ in }
    /// Called by all ranks together after each round of shards, with how many of how many are whole; may throw, the same on
    /// every rank, to leave.
    public var pause: ((_ whole: Int, _ total: Int) throws -> Void)?
    /// Whether the weight files that are whole stay after an error, which is the same on every rank.
    public var keepsShards: (any Error) -> Bool = { _ in false }
    /// A line for the user, the same on every rank.
    public var say: (String) -> Void = { _ in }
    /// Called by all ranks together once every file is there and the folder is only to be declared finished, with the SHA-256
    /// of each file by its name; on rank 0 at least.
    public var record: ((_ files: [String: String], _ written: RepackedCheckpoint) throws -> Void)?
    /// How many shards are whole.
    var noteWhole: (Int) -> Void = { _ in }

    public init(
      exitCode: @escaping (any Error) -> Int32, progress: ((_ done: Int, _ total: Int) -> Void)? = nil
    ) {
      self.exitCode = exitCode
      self.progress = progress
    }
  }

  /// Writes the checkpoint to `path`; shards that an earlier write of the same model, plan and edits left whole are not
  /// written again.
  ///
  /// - Parameters:
  ///   - layout: nil for the family's own where all layers end with one shape, else `per_layer_config`.
  ///   - prepared: the folder that rank 0 has prepared; nil on other ranks.
  /// - Throws: ``PeerFailure`` where any rank failed, such as for a kept number of the model that is NaN or infinite, or one
  ///   that an edit pushes past the tensor's type; the files that were written are removed, unless ``Hooks/keepsShards`` says
  ///   otherwise.
  public func write(
    to path: String, layout wanted: CheckpointLayout?, prepared: OutputFolder?, maximumShardBytes: Int,
    provenance: Provenance, hooks given: Hooks
  ) throws -> RepackedCheckpoint {
    let obstacle = pruned.obstacleToNative(model.shape)
    let layout = wanted ?? (obstacle == nil ? .native : .perLayer)
    let shards: ShardLayout
    var folder: OutputFolder?
    var whole = 0
    var hooks = given
    hooks.noteWhole = { whole = $0 }
    let exitCode = hooks.exitCode
    do {
      let key: String
      (shards, key) = try communicator.together(exitCode: exitCode) {
        try requireFittingEdits()
        try requireLoadable(as: layout, obstacle: obstacle)
        return (
          try ShardLayout(groups: try entries(), maximumShardBytes: maximumShardBytes),
          try self.key(maximumShardBytes: maximumShardBytes)
        )
      }
      if wanted == nil, case .ofFamily(let reason) = obstacle {
        hooks.say("layout per-layer, though the layers end with one shape: \(reason)")
      }
      let opened = try communicator.together(exitCode: exitCode) { try prepared ?? OutputFolder(opening: path) }
      folder = opened
      var files = try writeShards(shards, to: opened, key: key, hooks: hooks)
      let names = try communicator.together(exitCode: exitCode) {
        communicator.rank == 0
          ? try describe(opened, layout: layout, shards: shards, provenance: provenance, say: hooks.say) : []
      }
      if let record = hooks.record {
        try communicator.together(exitCode: exitCode) {
          for name in names { files[name] = try FileDigest.sha256("\(path)/\(name)") }
        }
        try record(files, Self.checkpoint(layout, shards))
      }
      try communicator.together(exitCode: exitCode) { if communicator.rank == 0 { try opened.finish() } }
      return Self.checkpoint(layout, shards)
    } catch {
      if whole > 0, hooks.keepsShards(error) {
        folder?.keep()
        throw error
      }
      // Others leave the folder before its maker tries to remove it.
      if communicator.rank != 0 { folder?.discard() }
      try? communicator.barrier()
      if communicator.rank == 0 { (folder ?? prepared)?.discard() }
      throw error
    }
  }

  private static func checkpoint(_ layout: CheckpointLayout, _ shards: ShardLayout) -> RepackedCheckpoint {
    let parameters = shards.shards.reduce(0) { sum, shard in
      sum + shard.entries.reduce(0) { $0 + ($1.shape.elementCount ?? 0) }
    }
    return RepackedCheckpoint(layout: layout, byteCount: shards.totalBytes, parameterCount: parameters)
  }

  private func requireLoadable(
    as layout: CheckpointLayout, obstacle: NativeObstacle?
  ) throws(CheckpointError) {
    if let index = pruned.firstLayerWithoutAttention {
      throw CheckpointError(
        .invalidLayout,
        "the plan takes all attention out of layer \(index), whose key-value cache tells generation how long the text is; "
          + "keep a unit in layers[\(index)].attention")
    }
    guard layout == .perLayer || obstacle == nil else {
      throw CheckpointError(
        .invalidLayout, "repacking.layout: native: \(obstacle?.description ?? ""); write layout per-layer, or auto")
    }
  }

  /// The tensors to write by group, each name once.
  private func entries() throws -> [[TensorEntry]] {
    var seen: Set<String> = []
    return try model.blueprint.groups.map { group in
      // A sublayer without units leaves nothing, or its last bias.
      let kept = Dictionary(uniqueKeysWithValues: pruned.tensors(of: group).map { ($0.role, $0.shape) })
      return try model.blueprint.tensors(of: group).compactMap { original in
        guard let shape = kept[original.role] else { return nil }
        let stored = try model.tensor(original)
        guard seen.insert(stored.name).inserted else { return nil }
        return TensorEntry(name: stored.name, elementType: stored.elementType, shape: Shape(shape))
      }
    }
  }

  /// Writes all but the weights, on rank 0: what is carried over, code, index, and configuration last.
  ///
  /// - Returns: the names of the files.
  private func describe(
    _ folder: OutputFolder, layout: CheckpointLayout, shards: ShardLayout, provenance: Provenance,
    say: (String) -> Void
  ) throws -> [String] {
    let architecture = model.architecture
    let code = architecture.remoteCode
    let carried = try folder.carryOver(from: model.folder, excluding: Set(code.map(\.name)))
    var names = carried.names
    for file in code {
      switch layout {
      case .perLayer:
        try folder.write(file.contents, to: file.name)
        names.append(file.name)
      case .native: try folder.removeLeftover(file.name)
      }
    }
    try folder.writeIndex(shards)
    if shards.index != nil { names.append(CheckpointFolder.indexName) }
    let (original, leftKeys) = model.folder.configuration.carriedOver()
    // Our own code's, of an earlier write, is replaced.
    let isOurs = model.folder.configuration["per_layer_config"] != nil
    let left = carried.left + leftKeys.filter { !isOurs || $0 != "auto_map" }.map { "\($0) of config.json" }
    if !left.isEmpty { say(Self.line(ofLeft: left)) }
    var configuration = architecture.configuration(of: pruned, from: original, layout: layout)
    // A model that is kept whole keeps what is said of its own pruning.
    if let plan {
      configuration["pruned_by"] = [
        "espalier": .string(provenance.version), "plan": provenance.planHash.map(JSONValue.string) ?? .null,
        "sparsity": .number(plan.achievedSparsity),
      ]
    }
    if !edits.lowRank.isEmpty { configuration["recovered_by"] = ["espalier": .string(provenance.version)] }
    try folder.writeConfiguration(configuration)
    return names + ["config.json"]
  }

  private static func line(ofLeft names: [String]) -> String {
    let shown = names.count > 6 ? names.prefix(5).joined(separator: ", ") + " and \(names.count - 5) more" : nil
    return "not carried over, since it need not be true of the new model: \(shown ?? names.joined(separator: ", "))"
  }
}
