internal import CKernels

/// Writes values as frames and reads them again, with buffers that are kept from one to the next.
package final class GradientCoder {
  package let codec: GradientCodec
  private let zstandard: Zstandard
  /// The codec's planes before compression, or after decompression.
  private var planes: [UInt8] = []
  private var compressed: [UInt8] = []

  /// - Throws: `CommunicationError` with code `library` when there is no memory.
  package init(_ codec: GradientCodec) throws(CommunicationError) {
    self.codec = codec
    zstandard = try Zstandard()
  }

  /// Replaces `frame` by a frame with `values`, all of which are finite.
  package func encode(_ values: Span<Float>, into frame: inout [UInt8]) {
    unsafe values.withUnsafeBufferPointer { unsafe encode($0, errors: nil, into: &frame) }
  }

  /// The same, leaving in `values` what decoding the frame will lack: zeros, unless the codec is `int8`.
  package func encodeLeavingErrors(in values: inout MutableSpan<Float>, into frame: inout [UInt8]) {
    unsafe values.withUnsafeMutableBufferPointer { values in
      unsafe encode(UnsafeBufferPointer(values), errors: values.baseAddress, into: &frame)
      if codec != .int8 { unsafe values.update(repeating: 0) }
    }
  }

  /// Replaces `values` by those of a frame, which must hold as many, all finite, in this codec.
  ///
  /// - Throws: `CommunicationError` with code `damaged`, whatever the bytes are; `values` then hold nothing useful.
  package func decode(_ frame: [UInt8], into values: inout MutableSpan<Float>) throws(CommunicationError) {
    let header = try GradientFrame(checking: frame, codec: codec, count: values.count)
    let count = values.count
    let length = codec.planes(of: count).byteCount
    if header.isStored {
      unsafe frame.withUnsafeBytes {
        unsafe read(UnsafeRawBufferPointer(rebasing: $0[GradientFrame.headerBytes...]), into: &values)
      }
    } else {
      try decompressPlanes(of: frame, length)
      unsafe planes.withUnsafeBytes { unsafe read($0, into: &values) }
    }
    if let index = NotFinite.first(in: values.span) { throw GradientFrame.damage("value \(index) is not finite") }
  }

  /// The same into an array.
  package func decode(_ frame: [UInt8], into values: inout [Float]) throws(CommunicationError) {
    var span = values.mutableSpan
    try decode(frame, into: &span)
  }

  /// What Zstandard gets for `values`, for statistics.
  func withPlanes<Result>(of values: Span<Float>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    unsafe values.withUnsafeBufferPointer { values in
      unsafe write(values, errors: nil)
      return unsafe planes.withUnsafeBytes {
        unsafe body(UnsafeRawBufferPointer(rebasing: $0[..<codec.planes(of: values.count).byteCount]))
      }
    }
  }

  private func encode(
    _ values: UnsafeBufferPointer<Float>, errors: UnsafeMutablePointer<Float>?, into frame: inout [UInt8]
  ) {
    GradientFrame.begin(&frame)
    var isStored = true
    if codec == .none {
      unsafe frame.append(contentsOf: UnsafeRawBufferPointer(values))
    } else {
      unsafe write(values, errors: errors)
      let layout = codec.planes(of: values.count)
      if let length = compressPlanes(layout) {
        isStored = false
        frame.append(contentsOf: compressed[..<length])
      } else {
        frame.append(contentsOf: planes[..<layout.byteCount])
      }
    }
    GradientFrame.seal(&frame, codec: codec, count: values.count, isStored: isStored)
  }

  /// Bytes that `planes` were compressed to; nil where they did not become fewer.
  ///
  /// Each plane is a Zstandard frame of its own: in one, short planes would share a block and with it a code, which fits
  /// none of them. A reader takes frames that stand end to end for one.
  private func compressPlanes(_ layout: GradientCodec.Planes) -> Int? {
    Self.grow(&compressed, to: layout.byteCount)
    return unsafe planes.withUnsafeBytes { planes in
      unsafe compressed.withUnsafeMutableBytes { compressed in
        var (start, written) = (0, 0)
        for length in layout.lengths {
          // All together take less than what they replace: where there is no room for that, Zstandard gives up.
          guard written < layout.byteCount,
            let more = unsafe zstandard.compress(
              UnsafeRawBufferPointer(rebasing: planes[start..<start + length]),
              into: UnsafeMutableRawBufferPointer(rebasing: compressed[written..<layout.byteCount - 1]))
          else { return nil }
          start += length
          written += more
        }
        return written
      }
    }
  }

  /// Fills the first `length` of `planes` from a frame's payload.
  private func decompressPlanes(of frame: [UInt8], _ length: Int) throws(CommunicationError) {
    Self.grow(&planes, to: length)
    let failure: CommunicationError? = unsafe frame.withUnsafeBytes { frame in
      unsafe planes.withUnsafeMutableBytes { planes in
        do throws(CommunicationError) {
          try unsafe zstandard.decompress(
            UnsafeRawBufferPointer(rebasing: frame[GradientFrame.headerBytes...]),
            into: UnsafeMutableRawBufferPointer(rebasing: planes[..<length]))
          return nil
        } catch {
          return error
        }
      }
    }
    if let failure { throw failure }
  }

  private static func grow(_ buffer: inout [UInt8], to count: Int) {
    if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
  }

  /// Fills `planes`.
  private func write(_ values: UnsafeBufferPointer<Float>, errors: UnsafeMutablePointer<Float>?) {
    let layout = codec.planes(of: values.count)
    Self.grow(&planes, to: layout.byteCount)
    guard let from = values.baseAddress, values.count > 0 else { return }
    unsafe planes.withUnsafeMutableBytes { bytes in
      guard let to = bytes.baseAddress else { return }
      switch codec {
      case .none: unsafe to.copyMemory(from: from, byteCount: layout.byteCount)
      case .exact: unsafe ck_split_float32(to, from, values.count)
      case .bf16: unsafe ck_split_bfloat16(to, from, values.count)
      case .int8: unsafe ck_quantize_int8(to, to + layout.scaleBytes, from, errors, values.count)
      }
    }
  }

  /// Reads planes of as many values as `values` has.
  private func read(_ bytes: UnsafeRawBufferPointer, into values: inout MutableSpan<Float>) {
    let layout = codec.planes(of: values.count)
    unsafe values.withUnsafeMutableBufferPointer { values in
      guard let to = values.baseAddress, let from = bytes.baseAddress, values.count > 0 else { return }
      switch codec {
      case .none: unsafe UnsafeMutableRawPointer(to).copyMemory(from: from, byteCount: layout.byteCount)
      case .exact: unsafe ck_join_float32(to, from, values.count)
      case .bf16: unsafe ck_join_bfloat16(to, from, values.count)
      case .int8: unsafe ck_dequantize_int8(to, from, from + layout.scaleBytes, values.count)
      }
    }
  }
}

/// Finding values that are infinite or NaN.
enum NotFinite {
  /// The index of the first; nil when all are finite.
  static func first(in values: Span<Float>) -> Int? {
    let index = unsafe values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return 0 }
      return unsafe ck_first_not_finite(base, values.count)
    }
    return index < values.count ? index : nil
  }
}
