internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Checkpoints
internal import Communication
internal import Crypto
internal import Foundation
internal import Safetensors
internal import Tensors

extension Repacker {
  /// Writes the weight files that are not there yet, as many at a time as there are ranks, and notes after each such round
  /// which ones are whole. Collective.
  ///
  /// - Returns: SHA-256 of every weight file, by its name.
  func writeShards(
    _ layout: ShardLayout, to folder: OutputFolder, key: String, hooks: Hooks
  ) throws -> [String: String] {
    let (rank, ranks) = (communicator.rank, communicator.size)
    let roles = Dictionary(uniqueKeysWithValues: model.specifications.map { ($0.name, $0.specification) })
    var manifest = try manifest(of: layout, in: folder, key: key, hooks: hooks)
    let missing = layout.shards.filter { manifest.shards[$0.fileName] == nil }
    let total = stride(from: rank, to: missing.count, by: ranks).reduce(0) { $0 + missing[$1].byteCount }
    hooks.share(total)
    var done = 0
    for first in stride(from: 0, to: missing.count, by: ranks) {
      let round = missing[first..<min(first + ranks, missing.count)]
      let digest = try communicator.together(exitCode: hooks.exitCode, isCommon: hooks.isCommon) {
        guard first + rank < missing.count else { return "" }
        return try write(missing[first + rank], to: folder, roles: roles) { bytes in
          done += bytes
          hooks.progress?(done, total)
        }
      }
      let digests = try communicator.gather(Array(digest.utf8))
      for (shard, digest) in zip(round, digests) {
        manifest.shards[shard.fileName] = String(decoding: digest, as: UTF8.self)
      }
      try communicator.together(exitCode: hooks.exitCode) { if rank == 0 { try manifest.write(to: folder) } }
      hooks.noteWhole(manifest.shards.count)
      if manifest.shards.count < layout.shards.count { try hooks.pause?(manifest.shards.count, layout.shards.count) }
    }
    return manifest.shards
  }

  /// The manifest with those shards of an earlier write that are whole, whoever wrote them; those of another layout are removed.
  private func manifest(
    of layout: ShardLayout, in folder: OutputFolder, key: String, hooks: Hooks
  ) throws -> ShardManifest {
    let (rank, ranks) = (communicator.rank, communicator.size)
    // Rank 0's, since a network file system may show others an older one.
    let found = rank == 0 ? ShardManifest(in: folder, key: key)?.shards ?? [:] : [:]
    let names = found.keys.sorted().map { "\($0)\n\(found[$0] ?? "")\n" }.joined()
    let lines = String(decoding: try communicator.broadcast(Array(names.utf8), root: 0), as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let wanted = Set(layout.shards.map(\.fileName))
    let candidates = stride(from: 0, to: lines.count - 1, by: 2).map { (name: lines[$0], digest: lines[$0 + 1]) }
      .filter { wanted.contains($0.name) }
    let own = stride(from: rank, to: candidates.count, by: ranks).filter { index in
      (try? FileDigest.sha256("\(folder.path)/\(candidates[index].name)")) == candidates[index].digest
    }
    let whole = try communicator.gather(own.map { "\($0) " }.joined().utf8.map { $0 })
      .flatMap { String(decoding: $0, as: UTF8.self).split(separator: " ").compactMap { Int($0) } }
    var manifest = ShardManifest(key: key)
    for index in whole { manifest.shards[candidates[index].name] = candidates[index].digest }
    for candidate in candidates where manifest.shards[candidate.name] == nil {
      hooks.say("\(folder.path)/\(candidate.name): not as it was written; it is written again")
    }
    try communicator.together(exitCode: hooks.exitCode) {
      guard rank == 0 else { return }
      // Of another layout; one of this layout is replaced when its turn comes.
      for name in try folder.shardNames() where !wanted.contains(name) { try folder.removeLeftover(name) }
    }
    if !manifest.shards.isEmpty {
      hooks.say("continues: \(manifest.shards.count) of \(layout.shards.count) weight files are there")
    }
    hooks.noteWhole(manifest.shards.count)
    return manifest
  }

  /// One weight file.
  ///
  /// - Returns: SHA-256 of its bytes.
  private func write(
    _ shard: ShardLayout.Shard, to folder: OutputFolder, roles: [String: TensorSpecification],
    progress: (_ bytes: Int) -> Void
  ) throws -> String {
    let checksum = Checksum()
    var writer = try folder.writer(for: shard) { checksum.update($0) }
    for entry in shard.entries {
      guard let specification = roles[entry.name] else { preconditionFailure("no role for \(entry.name)") }
      try forEachPiece(of: specification) { try writer.append(name: entry.name, bytes: $0) }
      progress(entry.byteCount ?? 0)
    }
    try writer.finish()
    return checksum.hexadecimal
  }

  /// SHA-256 of all that weight files follow from: model, plan, edits, and how they are laid out.
  func key(maximumShardBytes: Int) throws -> String {
    let checksum = Checksum()
    func add(_ text: String) { checksum.update(unsafe Array("\(text.utf8.count):\(text)".utf8).span.bytes) }
    func add(_ values: [Float]) {
      add("\(values.count)")
      checksum.update(unsafe values.span.bytes)
    }
    add(model.folder.modelHash())
    add(try plan?.digest() ?? "")
    add("\(maximumShardBytes)")
    for layer in edits.factors ?? [] {
      for (sublayer, values) in layer.sorted(by: { $0.key < $1.key }) {
        add("\(sublayer)")
        add(values)
      }
      add("")
    }
    for (role, update) in edits.lowRank.sorted(by: { "\($0.key)" < "\($1.key)" }) {
      add("\(role) \(update.rank) \(update.scale.bitPattern)")
      add(update.a)
      add(update.b)
    }
    return checksum.hexadecimal
  }
}

/// A running SHA-256 that closures share.
private final class Checksum {
  private var hash = SHA256()

  func update(_ bytes: RawSpan) { unsafe bytes.withUnsafeBytes { unsafe hash.update(bufferPointer: $0) } }

  var hexadecimal: String { hash.finalize().hexadecimal }
}
