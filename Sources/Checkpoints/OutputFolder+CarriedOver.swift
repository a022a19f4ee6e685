internal import Synchronization
internal import Tensors

extension OutputFolder {
  /// Copies what is still true of the new model from the folder of the one it was made of, and removes what an earlier model
  /// in this folder left that a loader would take for the new one's, such as its tokenizer or an adapter's configuration.
  ///
  /// - Parameter excluded: names that are not copied, because they are written anew.
  /// - Returns: what was copied, and what was not.
  /// - Throws: ``CheckpointError`` when something cannot be read or written.
  @discardableResult
  public func carryOver(
    from source: CheckpointFolder, excluding excluded: Set<String> = []
  ) throws(CheckpointError) -> CarriedOver {
    let carried = try source.carriedOver(excluding: excluded)
    for (name, value) in carried.changed { try write([UInt8](value.prettyText.utf8), to: name) }
    for name in carried.copies { try copy(name, from: source) }
    try removeLeftovers(besides: Set(carried.names))
    return carried
  }

  private func copy(_ name: String, from source: CheckpointFolder) throws(CheckpointError) {
    created.withLock { _ = $0.insert(name) }
    do throws(StorageError) {
      if let folder = Self.subfolder(name), FolderListing.kind("\(path)/\(folder)") == .missing {
        try FolderListing.create("\(path)/\(folder)")
      }
      let original = try MappedFile(path: "\(source.path)/\(name)")
      var copy = try DurableFile(path: "\(path)/\(name)")
      try copy.append(original.bytes)
      try copy.commit()
    } catch {
      throw CheckpointError(error)
    }
  }

  private func removeLeftovers(besides names: Set<String>) throws(CheckpointError) {
    for name in try FolderListing.names(path) where !names.contains(name) {
      if CarriedFiles.isRead(name) || CarriedFiles.misleading.contains(name) { try remove(name) }
    }
    let templates = CarriedFiles.templateFolder
    guard FolderListing.kind("\(path)/\(templates)") == .folder else { return }
    for name in try FolderListing.names("\(path)/\(templates)").map({ "\(templates)/\($0)" })
    where !names.contains(name) {
      if CarriedFiles.isTemplate(name) || DurableFile.isTemporaryName(String(name.dropFirst(templates.count + 1))) {
        try remove(name)
      }
    }
    FolderListing.removeEmptyFolder("\(path)/\(templates)")
  }

  /// The folder inside this one that a path leads to; nil for a plain name.
  static func subfolder(_ name: String) -> String? { name.firstIndex(of: "/").map { String(name[..<$0]) } }
}
