import CKernels

/// The kernels under test, over lists.
enum Kernels {
  /// The exponential that all kernels share, as softmax's gradient shows it: e^(x − 0) · 1.
  static func exponential(_ x: [Float]) -> [Float] {
    var y = x
    unsafe ck_softmax_gradient(&y, y.count, 0, 1)
    return y
  }

  static func silu(_ x: [Float]) -> [Float] {
    var y = x
    unsafe ck_swiglu(&y, x, ones(x), x.count)
    return y
  }

  static func gelu(_ x: [Float]) -> [Float] {
    var y = x
    unsafe ck_gelu(&y, x, x.count)
    return y
  }

  static func geluByTanh(_ x: [Float]) -> [Float] {
    var y = x
    unsafe ck_gelu_tanh(&y, x, x.count)
    return y
  }

  static func geluSlope(_ x: [Float]) -> [Float] {
    var dx = x
    unsafe ck_gelu_backward(&dx, ones(x), x, x.count)
    return dx
  }

  static func geluSlopeByTanh(_ x: [Float]) -> [Float] {
    var dx = x
    unsafe ck_gelu_tanh_backward(&dx, ones(x), x, x.count)
    return dx
  }

  /// The bytes of `values` as bfloat16 or float16, written `offset` bytes into `guardByte`s that are also left at the end.
  static func round(_ values: [Float], toBFloat16 isBFloat16: Bool, offset: Int = 0) -> [UInt8] {
    var bytes = [UInt8](repeating: guardByte, count: offset + 2 * values.count + 8)
    unsafe bytes.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      if isBFloat16 {
        unsafe ck_round_bfloat16(base + offset, values, values.count)
      } else {
        unsafe ck_round_float16(base + offset, values, values.count)
      }
    }
    return bytes
  }

  /// `count` numbers from `offset` bytes into `bytes`, and one more that nothing is written to: 7.
  static func widen(_ bytes: [UInt8], fromBFloat16 isBFloat16: Bool, offset: Int, count: Int) -> [Float] {
    var values = [Float](repeating: 7, count: count + 1)
    unsafe bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      if isBFloat16 {
        unsafe ck_widen_bfloat16(&values, base + offset, count)
      } else {
        unsafe ck_widen_float16(&values, base + offset, count)
      }
    }
    return values
  }

  static let guardByte: UInt8 = 0xA5

  private static func ones(_ x: [Float]) -> [Float] { Array(repeating: 1, count: x.count) }
}
