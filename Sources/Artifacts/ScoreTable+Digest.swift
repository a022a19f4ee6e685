internal import Crypto

extension ScoreTable {
  /// SHA-256 of every score's bits, hexadecimal: what is made from scores is made from these.
  public var digest: String {
    var hash = SHA256()
    for layer in layers {
      for values in [layer.attention, layer.mlp] {
        hash.update(
          data: values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } })
      }
    }
    return hash.finalize().map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
  }
}
