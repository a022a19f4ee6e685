internal import Crypto

extension ScoreTable {
  /// SHA-256 of every score's bits, hexadecimal: what is made from scores is made from these.
  public var digest: String {
    var hash = SHA256()
    for layer in layers {
      for values in [layer.attention, layer.mlp] {
        hash.update(bitsOf: values)
      }
    }
    return hash.finalize().hexadecimal
  }
}
