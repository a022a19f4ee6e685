internal import Crypto

extension GateValues {
  /// SHA-256 of every logit's and factor's bits, hexadecimal: what is made from gates is made from these.
  public var digest: String {
    var hash = SHA256()
    for layer in layers {
      for values in [layer.attention.logits, layer.attention.factors, layer.mlp.logits, layer.mlp.factors] {
        hash.update(
          data: values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } })
      }
    }
    return hash.finalize().map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
  }
}
