public import Safetensors
internal import Synchronization
internal import Tensors

/// The folder that a smaller model is written to, by one process or by many that share it.
///
/// Rank 0 prepares it, the others open it; each writes its own files, durably, under their final names. A hidden marker
/// stands in it until ``finish()``, so that a killed write is known as one and the same command can begin again. Its
/// lock keeps two runs from writing to one folder. The configuration goes in last: without it nobody takes the folder for a
/// model.
public final class OutputFolder: Sendable {
  /// The folder, without a slash at its end.
  public let path: String
  private let createdFolder: Bool
  /// The folder that ``path`` is in, where it had to be made too.
  private let createdParent: String?
  /// Whether the marker of an earlier write that was killed stood here.
  private let wasUnfinished: Bool
  /// What this process wrote, as paths below the folder.
  let created = Mutex<Set<String>>([])
  /// On the marker; nil where another process has prepared the folder.
  private let lock = Mutex<FileLock?>(nil)

  private static let markerName = ".espalier-unfinished"
  /// Where a write tells which weight files are whole, so that a killed one can go on.
  public static let shardManifestName = ".espalier-shards.json"

  /// Makes the folder, and the one that it is to be in if only that is missing, or takes an empty one, or the leftovers of a
  /// write that was killed. For one process only.
  ///
  /// With `overwrite`, a folder with anything in it is taken: the model in it is removed first (`config.json`, the index
  /// and `model*.safetensors`), since its weights could be taken for the new ones; other files stay until they are
  /// replaced, or ``carryOver(from:excluding:)`` finds that a loader would take them for the new model's.
  ///
  /// - Parameters:
  ///   - overwrite: whether to write into a folder that is not empty.
  ///   - sources: folders that must not be written to, such as the model's own.
  ///   - keepsShards: whether weight files that a killed write finished stay, for one that goes on with them.
  /// - Throws: ``CheckpointError`` when the folder is not empty, is one of `sources`, is being written by another process,
  ///   or cannot be made or written.
  public init(
    preparing given: String, overwrite: Bool = false, sources: [String] = [], keepsShards: Bool = false
  ) throws(CheckpointError) {
    let path = CheckpointFolder.withoutTrailingSlash(given)
    if let names = try Self.check(path, overwrite: overwrite, sources: sources) {
      (createdFolder, createdParent, wasUnfinished) = (false, nil, names.contains(Self.markerName))
    } else {
      createdParent = try Self.create(path)
      (createdFolder, wasUnfinished) = (true, false)
    }
    self.path = path
    do throws(CheckpointError) {
      try claim(keepsShards: keepsShards && wasUnfinished)
    } catch {
      discard()
      throw error
    }
  }

  /// Makes sure, without writing anything, that a folder can be prepared as far as can be seen.
  ///
  /// - Returns: the names in the folder; nil when it is not there.
  /// - Throws: ``CheckpointError`` as ``init(preparing:overwrite:sources:keepsShards:)``.
  @discardableResult
  public static func check(
    _ given: String, overwrite: Bool, sources: [String]
  ) throws(CheckpointError) -> [String]? {
    let path = CheckpointFolder.withoutTrailingSlash(given)
    switch FolderListing.kind(path) {
    case .file, .other:
      throw CheckpointError(.outputExists, "cannot write to \(path): it is not a folder; name another folder")
    case .missing:
      try requireParent(of: path)
      return nil
    case .folder:
      guard !sources.contains(where: { FolderListing.isSame($0, path) }) else {
        throw CheckpointError(
          .outputExists, "cannot write to \(path): it is the folder of the model itself; name another folder")
      }
      let names = try FolderListing.names(path)
      guard overwrite || names.contains(Self.markerName) || names.allSatisfy(DurableFile.isTemporaryName) else {
        throw CheckpointError(
          .outputExists,
          "cannot write to \(path): the folder is not empty; name another folder, or replace what is in it (--overwrite)"
        )
      }
      return names
    }
  }

  /// Takes the marker's lock, which also shows that the folder can be written before hours of work are, and takes an old
  /// model and temporary files out.
  private func claim(keepsShards: Bool) throws(CheckpointError) {
    let lock = try Self.lock(path)
    self.lock.withLock { $0 = lock }
    let names = try FolderListing.names(path)
    // Configuration and index go first: what a kill leaves in between is then no model.
    let descriptions = ["config.json", CheckpointFolder.indexName].filter(names.contains)
    let isContinued = keepsShards && names.contains(Self.shardManifestName)
    let others = names.filter {
      DurableFile.isTemporaryName($0) || !isContinued && (Self.isShard($0) || $0 == Self.shardManifestName)
    }
    for name in descriptions + others { try remove(name) }
    try synchronize()
  }

  private static func lock(_ path: String) throws(CheckpointError) -> FileLock {
    do throws(StorageError) {
      return try FileLock(path: "\(path)/\(markerName)", purpose: "espalier")
    } catch {
      guard error.code == .locked else { throw CheckpointError(error) }
      throw CheckpointError(
        .outputExists, "cannot write to \(path): \(error.message); wait for its end, or name another folder (--output)")
    }
  }

  private static func isShard(_ name: String) -> Bool { name.hasPrefix("model") && name.hasSuffix(".safetensors") }

  /// Opens a folder that another process has prepared.
  ///
  /// - Throws: ``CheckpointError`` when the folder is not there, as when ranks do not share a file system.
  public init(opening given: String) throws(CheckpointError) {
    let path = CheckpointFolder.withoutTrailingSlash(given)
    guard FolderListing.kind(path) == .folder else {
      throw CheckpointError(
        .outputNotWritable, "the folder \(path) is not on this machine; name one on a file system that all ranks share")
    }
    self.path = path
    self.createdFolder = false
    self.createdParent = nil
    self.wasUnfinished = false
  }

  /// Begins the file of one shard; ``SafetensorsWriter/finish()`` gives it its name.
  ///
  /// - Parameter observe: gets every byte of the file in order, for checksums.
  /// - Throws: ``CheckpointError`` when the file cannot be made.
  public func writer(
    for shard: ShardLayout.Shard, metadata: [String: String] = ["format": "pt"], observe: ((RawSpan) -> Void)? = nil
  ) throws(CheckpointError) -> SafetensorsWriter {
    created.withLock { _ = $0.insert(shard.fileName) }
    do throws(SafetensorsError) {
      return try SafetensorsWriter(
        path: "\(path)/\(shard.fileName)", entries: shard.entries, metadata: metadata, observe: observe)
    } catch {
      throw CheckpointError(error)
    }
  }

  /// Writes a small file durably.
  ///
  /// - Parameter name: a plain file name.
  /// - Throws: ``CheckpointError`` when it cannot be written.
  public func write(_ bytes: [UInt8], to name: String) throws(CheckpointError) {
    precondition(!name.contains("/") && name != "..", "a plain file name is needed")
    created.withLock { _ = $0.insert(name) }
    do throws(StorageError) {
      try DurableFile.write(bytes, to: "\(path)/\(name)")
    } catch {
      throw CheckpointError(error)
    }
  }

  /// Writes `model.safetensors.index.json`, if the layout has more than one file.
  ///
  /// - Throws: ``CheckpointError`` when it cannot be written.
  public func writeIndex(_ layout: ShardLayout) throws(CheckpointError) {
    guard let index = layout.index else { return }
    try write([UInt8](index.prettyText.utf8), to: CheckpointFolder.indexName)
  }

  /// Writes config.json; after all else.
  ///
  /// - Throws: ``CheckpointError`` when it cannot be written.
  public func writeConfiguration(_ configuration: JSONValue) throws(CheckpointError) {
    try write([UInt8](configuration.prettyText.utf8), to: "config.json")
  }

  /// Declares the folder finished, for the process that prepared it.
  ///
  /// - Throws: ``CheckpointError`` when the folder cannot be written.
  public func finish() throws(CheckpointError) {
    try remove(Self.shardManifestName)
    lock.withLock { lock in
      lock?.release()
      lock = nil
    }
    try synchronize()
  }

  /// Finishes a folder that a killed process had written whole, if its marker is still there.
  ///
  /// - Throws: ``CheckpointError`` when another process writes to the folder, or it cannot be written.
  public static func finish(leftBehind given: String) throws(CheckpointError) {
    let path = CheckpointFolder.withoutTrailingSlash(given)
    guard FolderListing.kind("\(path)/\(markerName)") == .file else { return }
    let folder = try OutputFolder(opening: path)
    let lock = try lock(path)
    folder.lock.withLock { $0 = lock }
    try folder.finish()
  }

  private func synchronize() throws(CheckpointError) {
    do throws(StorageError) {
      try DurableFile.synchronize(folder: path)
    } catch {
      throw CheckpointError(error)
    }
  }

  /// The weight files in the folder, whole or of an earlier write, sorted.
  ///
  /// - Throws: ``CheckpointError`` when the folder cannot be listed.
  public func shardNames() throws(CheckpointError) -> [String] { try FolderListing.names(path).filter(Self.isShard) }

  /// Leaves what was written where it is, with the marker, for a write that goes on. After it, ``discard()`` removes
  /// nothing.
  public func keep() {
    created.withLock { $0 = [] }
    lock.withLock { lock in
      lock?.release(keepingFile: true)
      lock = nil
    }
  }

  /// Removes the files that this process wrote, and the folders that it made if they are empty then. Other
  /// processes discard their own before the one that prepared the folder does. Failures are passed over: it is called
  /// when something else already failed.
  public func discard() {
    let names = created.withLock { names in
      defer { names = [] }
      return names
    }
    for name in names.sorted() { try? remove(name) }
    for folder in Set(names.compactMap(Self.subfolder)) { FolderListing.removeEmptyFolder("\(path)/\(folder)") }
    // The marker goes last, and not while an earlier write's leftovers need it to be known as such.
    let isOnlyMarker = (try? FolderListing.names(path)) == [Self.markerName]
    lock.withLock { lock in
      lock?.release(keepingFile: wasUnfinished && !isOnlyMarker)
      lock = nil
    }
    if createdFolder { FolderListing.removeEmptyFolder(path) }
    if let createdParent { FolderListing.removeEmptyFolder(createdParent) }
  }

  /// Removes a file that an earlier model in this folder may have left, if it is there.
  ///
  /// - Parameter name: a plain file name.
  /// - Throws: ``CheckpointError`` when it is there and cannot be removed.
  public func removeLeftover(_ name: String) throws(CheckpointError) {
    try remove(name)
  }

  func remove(_ name: String) throws(CheckpointError) {
    do throws(StorageError) {
      try FolderListing.removeFile("\(path)/\(name)")
    } catch {
      throw CheckpointError(error)
    }
  }

  /// Only one folder above may be missing: a path whose beginning does not exist is rather a mistyped one.
  private static func requireParent(of path: String) throws(CheckpointError) {
    let parent = parent(of: path)
    let kind = FolderListing.kind(parent)
    guard kind == .folder || kind == .missing && FolderListing.kind(Self.parent(of: parent)) == .folder else {
      let problem = kind == .missing ? "does not exist; create it first" : "is not a folder; name another folder"
      throw CheckpointError(.outputNotWritable, "cannot create the folder \(path): \(parent) \(problem)")
    }
  }

  /// Makes a folder, and the one that it is to be in if that is missing.
  ///
  /// - Returns: the parent, where it was made.
  private static func create(_ path: String) throws(CheckpointError) -> String? {
    let parent = parent(of: path)
    var createdParent: String?
    do throws(StorageError) {
      if FolderListing.kind(parent) == .missing {
        try FolderListing.create(parent)
        createdParent = parent
      }
      try FolderListing.create(path)
    } catch {
      if let createdParent { FolderListing.removeEmptyFolder(createdParent) }
      throw CheckpointError(.outputNotWritable, error.message)
    }
    return createdParent
  }

  /// The folder that a path without a slash at its end is in.
  private static func parent(of path: String) -> String {
    let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    return CheckpointFolder.withoutTrailingSlash(parent)
  }
}
