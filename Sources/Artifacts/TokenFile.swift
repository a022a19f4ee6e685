public import Safetensors
internal import Tensors

/// Sequences of tokens that a model wrote: safetensors with `input_ids`, int32 `[sequence, token]`, as tuning, recovery and
/// calibration read any text of tokens, and in the metadata a checksum over all of it.
public enum TokenFile {
  private static let format = "tokens-1"
  private static let tensor = "input_ids"
  private static let remedy = "generate the text again"

  /// Writes the sequences, at least one and all of one length; the file appears under its name only when it is whole.
  ///
  /// - Throws: ``SafetensorsError`` when it cannot be written.
  public static func write(
    _ sequences: [[Int32]], metadata: [String: String], to path: String
  ) throws(SafetensorsError) {
    precondition(!sequences.isEmpty && Set(sequences.map(\.count)).count == 1, "sequences of one length")
    let ids = sequences.flatMap { $0 }
    var metadata = metadata.merging([ArrayFile.format: format]) { $1 }
    metadata[ArrayFile.checksum] = digest(ids, metadata: metadata)
    let shape = Shape([sequences.count, ids.count / sequences.count])
    var writer = try SafetensorsWriter(
      path: path, entries: [TensorEntry(name: tensor, elementType: .int32, shape: shape)], metadata: metadata)
    unsafe try writer.append(name: tensor, bytes: ids.span.bytes)
    try writer.finish()
  }

  /// Makes sure that there is a file, where its name is that of the text that `espalier generate` leaves.
  ///
  /// - Throws: ``ArtifactError`` with `unreadable` when there is none.
  public static func requireThere(_ path: String) throws(ArtifactError) {
    guard path.split(separator: "/").last == "generated.safetensors" else { return }
    try MissingArtifact.check(path, remedy: "make it with `espalier generate`")
  }

  /// Makes sure that a file of ours is as it was written; other files of `input_ids` have nothing to compare with.
  ///
  /// - Parameter ids: what the file holds, sequence by sequence.
  /// - Throws: ``ArtifactError`` for a file of ours that was changed.
  public static func requireUnchanged(_ file: SafetensorsFile, ids: [Int32]) throws {
    // A change of one of the two keys leaves the other.
    guard file.metadata[ArrayFile.format] != nil || file.metadata[ArrayFile.checksum] != nil else { return }
    let (_, metadata, checksum) = try ArrayFile.open(
      file.path, format: format, kind: "text of tokens", remedy: remedy)
    guard digest(ids, metadata: metadata) == checksum else { throw ArrayFile.damaged(file.path, remedy: remedy) }
  }

  private static func digest(_ ids: [Int32], metadata: [String: String]) -> String {
    var hash = ArrayFile.Hash(metadata)
    unsafe hash.add(tensor, ids.span.bytes)
    return hash.finished
  }
}
