internal import Crypto

extension GateValues {
  /// SHA-256 of every logit's and factor's bits, hexadecimal: what is made from gates is made from these.
  public var digest: String {
    var hash = SHA256()
    for layer in layers {
      for values in [layer.attention.logits, layer.attention.factors, layer.mlp.logits, layer.mlp.factors] {
        hash.update(bitsOf: values)
      }
    }
    return hash.finalize().hexadecimal
  }
}
