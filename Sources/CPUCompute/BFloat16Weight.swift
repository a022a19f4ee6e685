internal import CKernels
internal import Compute
internal import Tensors

/// A weight's bf16 numbers where the checkpoint has them: in the mapped file, or in what a broadcast brought. A matrix in
/// such a buffer can be a factor of a product, and little else.
@safe final class BFloat16Weight: DeviceBuffer {
  let count: Int
  private let start: UnsafePointer<UInt16>
  /// Keeps the numbers alive.
  private let tensor: StoredTensor

  /// nil for a tensor of another type, or one that does not lie on an even address.
  init?(_ tensor: StoredTensor) {
    guard tensor.elementType == .bfloat16 else { return nil }
    // The tensor's bytes never change or move, and it is kept.
    let address = unsafe tensor.bytes.withUnsafeBytes { $0.baseAddress }
    guard let address = unsafe address, Int(bitPattern: address) % 2 == 0 else { return nil }
    unsafe start = address.assumingMemoryBound(to: UInt16.self)
    count = tensor.elementCount
    self.tensor = tensor
  }

  /// Valid while the weight lives.
  @unsafe var pointer: UnsafePointer<UInt16> { unsafe start }
}

extension Matrix {
  /// The first number of row `index`, when the matrix is a bf16 weight.
  @unsafe func bfloat16Row(_ index: Int = 0) -> UnsafePointer<UInt16>? {
    guard let weight = buffer as? BFloat16Weight else { return nil }
    return unsafe weight.pointer + offset + index * stride
  }

  /// Some columns of row `index` in float32: a bf16 weight's are widened into `scratch`, which grows to hold them.
  @unsafe func floats(row index: Int, columns: Range<Int>, scratch: inout [Float]) -> UnsafePointer<Float>? {
    guard let row = unsafe bfloat16Row(index) else { return unsafe UnsafePointer(self.row(index)) + columns.lowerBound }
    if scratch.count < columns.count { scratch = Array(repeating: 0, count: columns.count) }
    unsafe ck_widen_bfloat16(&scratch, row + columns.lowerBound, columns.count)
    return unsafe scratch.withUnsafeBufferPointer { $0.baseAddress }
  }
}
