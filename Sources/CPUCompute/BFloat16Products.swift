internal import COneDNN

/// Products of bf16 matrices with float32 sums and results, in oneDNN.
///
/// Factors are read where they lie, in either order: packing weights beforehand, which oneDNN also offers, gained 1 to 7 %
/// at the widths of SmolLM2 and Llama 3.1 (docs/decisions.md) and would hold a second copy of what the file has.
@safe final class BFloat16Products {
  /// What a compiled product is made for.
  private struct Shape: Hashable {
    let m: Int
    let n: Int
    let k: Int
    /// Distances between neighbors of the first factor, down and across; likewise the second factor.
    let a: [Int64]
    let b: [Int64]
    let resultStride: Int
    let isAdding: Bool
  }

  @unsafe private struct Product {
    let primitive: dnnl_primitive_t
    let a: dnnl_memory_t
    let b: dnnl_memory_t
    let c: dnnl_memory_t
  }

  private let engine: dnnl_engine_t
  private let stream: dnnl_stream_t
  private var products: [Shape: Product] = unsafe [:]
  /// A model has a dozen shapes; texts of many lengths have more, and what is compiled takes memory.
  private static let most = 256

  /// nil where the processor multiplies no bf16 numbers, or oneDNN does not start.
  init?() {
    guard Self.isSupported else { return nil }
    var engine: dnnl_engine_t?
    var stream: dnnl_stream_t?
    guard unsafe dnnl_engine_create(&engine, dnnl_cpu, 0) == dnnl_success, let engine = unsafe engine else {
      return nil
    }
    guard unsafe dnnl_stream_create(&stream, engine, dnnl_stream_default_flags.rawValue) == dnnl_success,
      let stream = unsafe stream
    else {
      unsafe dnnl_engine_destroy(engine)
      return nil
    }
    unsafe self.engine = engine
    unsafe self.stream = stream
  }

  deinit {
    removeAll()
    unsafe dnnl_stream_destroy(stream)
    unsafe dnnl_engine_destroy(engine)
  }

  /// Whether the processor has AVX512-BF16 or AMX and oneDNN uses it (`DNNL_MAX_CPU_ISA` can forbid it).
  static var isSupported: Bool {
    let bfloat16 = dnnl_cpu_isa_avx512_core_bf16.rawValue
    return dnnl_get_effective_cpu_isa().rawValue & bfloat16 == bfloat16
  }

  /// oneDNN's version, such as `2.6.3`.
  static var version: String {
    guard let version = unsafe dnnl_version() else { return "" }
    return unsafe "\(version.pointee.major).\(version.pointee.minor).\(version.pointee.patch)"
  }

  /// A factor `[rows, columns]` of a product: where it lies, and the distances between neighbors down and across.
  @unsafe struct Factor {
    let start: UnsafeRawPointer
    let rowStride: Int
    let columnStride: Int

    /// Numbers row by row, or transposed: column by column of the factor.
    init(_ start: UnsafeRawPointer, stride: Int, isTransposed: Bool) {
      unsafe self.start = start
      unsafe rowStride = isTransposed ? 1 : stride
      unsafe columnStride = isTransposed ? stride : 1
    }
  }

  /// c `[m, n]` (+)= a `[m, k]` · b `[k, n]`; c row-major float32.
  func multiply(
    _ a: Factor, _ b: Factor, m: Int, n: Int, k: Int, into c: UnsafeMutablePointer<Float>, stride: Int, adding: Bool
  ) {
    let shape = unsafe Shape(
      m: m, n: n, k: k, a: [Int64(a.rowStride), Int64(a.columnStride)],
      b: [Int64(b.rowStride), Int64(b.columnStride)], resultStride: stride, isAdding: adding)
    let product = unsafe products[shape] ?? make(shape)
    // oneDNN takes every memory as writable, and writes only to the result's.
    unsafe require(dnnl_memory_set_data_handle(product.a, UnsafeMutableRawPointer(mutating: a.start)))
    unsafe require(dnnl_memory_set_data_handle(product.b, UnsafeMutableRawPointer(mutating: b.start)))
    unsafe require(dnnl_memory_set_data_handle(product.c, UnsafeMutableRawPointer(c)))
    let arguments = unsafe [
      dnnl_exec_arg_t(arg: DNNL_ARG_SRC, memory: product.a),
      dnnl_exec_arg_t(arg: DNNL_ARG_WEIGHTS, memory: product.b),
      dnnl_exec_arg_t(arg: DNNL_ARG_DST, memory: product.c),
    ]
    unsafe require(dnnl_primitive_execute(product.primitive, stream, Int32(arguments.count), arguments))
    unsafe require(dnnl_stream_wait(stream))
  }

  private func make(_ shape: Shape) -> Product {
    if unsafe products.count >= Self.most { removeAll() }
    var a = unsafe description([shape.m, shape.k], strides: shape.a, dnnl_bf16)
    var b = unsafe description([shape.k, shape.n], strides: shape.b, dnnl_bf16)
    var c = unsafe description([shape.m, shape.n], strides: [Int64(shape.resultStride), 1], dnnl_f32)
    var operation = dnnl_matmul_desc_t()
    unsafe require(dnnl_matmul_desc_init(&operation, &a, &b, nil, &c))
    var attributes: dnnl_primitive_attr_t?
    unsafe require(dnnl_primitive_attr_create(&attributes))
    if shape.isAdding {
      var sum: dnnl_post_ops_t?
      unsafe require(dnnl_post_ops_create(&sum))
      unsafe require(dnnl_post_ops_append_sum(sum, 1))
      unsafe require(dnnl_primitive_attr_set_post_ops(attributes, sum))
      unsafe dnnl_post_ops_destroy(sum)
    }
    var plan: dnnl_primitive_desc_t?
    unsafe require(dnnl_primitive_desc_create(&plan, &operation, attributes, engine, nil))
    var primitive: dnnl_primitive_t?
    unsafe require(dnnl_primitive_create(&primitive, plan))
    unsafe dnnl_primitive_desc_destroy(plan)
    unsafe dnnl_primitive_attr_destroy(attributes)
    guard let primitive = unsafe primitive, let a = unsafe memory(&a), let b = unsafe memory(&b),
      let c = unsafe memory(&c)
    else { preconditionFailure("oneDNN made no product of \(shape)") }
    let product = unsafe Product(primitive: primitive, a: a, b: b, c: c)
    unsafe products[shape] = product
    return unsafe product
  }

  @unsafe private func description(
    _ dimensions: [Int], strides: [Int64], _ type: dnnl_data_type_t
  ) -> dnnl_memory_desc_t {
    var description = dnnl_memory_desc_t()
    unsafe require(
      dnnl_memory_desc_init_by_strides(&description, 2, dimensions.map { Int64($0) }, type, strides))
    return description
  }

  @unsafe private func memory(_ description: inout dnnl_memory_desc_t) -> dnnl_memory_t? {
    var memory: dnnl_memory_t?
    unsafe require(dnnl_memory_create(&memory, &description, engine, nil))
    return unsafe memory
  }

  private func removeAll() {
    while let (_, product) = unsafe products.popFirst() {
      unsafe dnnl_primitive_destroy(product.primitive)
      unsafe dnnl_memory_destroy(product.a)
      unsafe dnnl_memory_destroy(product.b)
      unsafe dnnl_memory_destroy(product.c)
    }
  }

  /// Shapes are checked before they come here, so all that can fail is memory for what oneDNN compiles.
  private func require(_ status: dnnl_status_t, line: Int = #line) {
    precondition(
      status == dnnl_success, "oneDNN failed with status \(status.rawValue) (line \(line)); is there memory left?")
  }
}
