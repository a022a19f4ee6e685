internal import Artifacts
internal import Communication

/// What a run reads and writes.
extension DoctorChecks {
  /// A check for every folder that a run writes to.
  var places: [DoctorCheck] {
    let roles = facts.first?.places.map(\.role) ?? []
    return roles.map { role in
      let seen = facts.compactMap { rank in
        rank.places.first { $0.role == role }.map { (rank: rank, place: $0) }
      }
      if let closed = seen.first(where: { !$0.place.isWritable }) {
        return .failure(
          role, "\(closed.place.path) cannot be written by rank \(closed.rank.rank) on \(closed.rank.host)",
          "change its permissions, or name another folder", ExitCode.cannotCreate)
      }
      let apart = seen.filter { $0.place.isShared == false }
      if let first = apart.first {
        return .failure(
          role,
          "\(first.place.path) is not the folder that rank 0 writes to on \(RankList(apart.map(\.rank.rank))) "
            + "(\(first.rank.host))", "name a folder on a disk that all hosts share", ExitCode.cannotCreate)
      }
      guard let least = seen.min(by: { $0.place.freeBytes < $1.place.freeBytes }) else { return .ok(role, "") }
      let finding =
        "\(ByteSize(bytes: least.place.freeBytes).rounded) free in \(least.place.path)"
        + (hosts.count > 1 ? " on \(least.rank.host)" : "")
      let needed = max(1_000_000_000, role == "output" ? facts.compactMap { $0.inputs?.modelBytes }.max() ?? 0 : 0)
      guard least.place.freeBytes >= needed else {
        return .warning(role, finding, "make room: up to \(ByteSize(bytes: needed).rounded) may be written")
      }
      return .ok(role, finding)
    }
  }

  /// The model and the texts: readable, and the same on every rank. Nil where none are named.
  var inputs: DoctorCheck? {
    guard facts.contains(where: { $0.inputs != nil }) else { return nil }
    let failed = facts.filter { $0.inputs?.problem != nil }
    if let first = failed.first, let inputs = first.inputs, let problem = inputs.problem {
      let place = failed.count == facts.count ? "" : "\(RankList(failed.map(\.rank))) (\(first.host)): "
      return .failure(
        "model", place + problem,
        failed.count == facts.count
          ? "repair it, or name another" : "put it on a disk that all hosts share, or copy it to the same path",
        inputs.exitCode)
    }
    if let different = differingFile {
      return .failure(
        "model", "\(different.path) differs: \(different.ranks)", "copy the same files to every host", ExitCode.ranks)
    }
    let files = facts.first?.inputs?.files ?? []
    let isWhole = facts.contains { $0.inputs?.files.contains { $0.wholeDigest != nil } == true }
    return .ok(
      "model",
      "\(TableNumber.counted(files.count, "file")), \(ByteSize(bytes: files.reduce(0) { $0 + $1.bytes }).rounded), "
        + "the same on every rank" + (isWhole ? ", every byte of them" : " (sizes, headers and ends)"))
  }

  /// What a run needs of the texts, read as a run reads them. Nil where it was not asked.
  var texts: DoctorCheck? {
    let failed = facts.filter { $0.inputs?.textProblem != nil }
    if let first = failed.first, let inputs = first.inputs, let problem = inputs.textProblem {
      let place = failed.count == facts.count ? "" : "\(RankList(failed.map(\.rank))) (\(first.host)): "
      return .refusal("texts", place + problem, inputs.textExitCode)
    }
    return facts.first?.inputs.flatMap { $0.texts.isEmpty ? nil : .ok("texts", $0.texts) }
  }

  /// The first file, in rank 0's order, that ranks see differently.
  private var differingFile: (path: String, ranks: String)? {
    for (index, file) in (facts.first?.inputs?.files ?? []).enumerated() {
      func identity(_ rank: DoctorFacts, _ part: (DoctorInputs.File) -> String?) -> String {
        let files = rank.inputs?.files ?? []
        guard index < files.count, files[index].path == file.path else { return "another file" }
        return part(files[index]) ?? ""
      }
      if let ranks = differences({ identity($0) { "\($0.bytes) bytes, SHA-256 \($0.digest.prefix(8))…" } }) {
        return (file.path, ranks)
      }
      let whole = facts.filter {
        $0.inputs.map { index < $0.files.count && $0.files[index].wholeDigest != nil } == true
      }
      let part = DoctorChecks(whole, links: [])
      if let ranks = part.differences({ identity($0) { $0.wholeDigest.map { "SHA-256 \($0.prefix(8))…" } } }) {
        return (file.path, ranks)
      }
    }
    return nil
  }
}
