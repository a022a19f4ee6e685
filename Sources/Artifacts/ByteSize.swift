/// A number of bytes, written as people write it: `5GB`, `512MiB`, `1.5GB`, `4096`.
public struct ByteSize: Sendable, Hashable, Comparable {
  /// The number of bytes, never negative.
  public let bytes: Int

  /// A size of `bytes`, which must not be negative.
  public init(bytes: Int) {
    precondition(bytes >= 0, "a byte size is never negative")
    self.bytes = bytes
  }

  public static func < (left: ByteSize, right: ByteSize) -> Bool { left.bytes < right.bytes }

  /// The units that are understood, largest first within each family: powers of 1000, then powers of 1024.
  static let units: [(name: String, bytes: Int)] = [
    ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000),
    ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
  ]

  /// The names of the units, for error texts.
  static let unitNames = "kB MB GB TB KiB MiB GiB TiB"
}
