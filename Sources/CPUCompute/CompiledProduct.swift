internal import COneDNN

/// A product of one shape as oneDNN has compiled it. Threads may run it at the same time, each at its own workplace.
@safe final class CompiledProduct {
  /// What a compiled product is made for.
  struct Shape: Hashable {
    var m: Int
    let n: Int
    let k: Int
    /// Distances between neighbors of the first factor, down and across; likewise the second factor.
    let a: [Int]
    let b: [Int]
    let resultStride: Int
    let isAdding: Bool

    func with(rows: Int) -> Shape {
      var shape = self
      shape.m = rows
      return shape
    }
  }

  private let primitive: dnnl_primitive_t
  private let a: dnnl_memory_desc_t
  private let b: dnnl_memory_desc_t
  private let c: dnnl_memory_desc_t
  private let scratch: dnnl_memory_desc_t
  /// Bytes that a run needs at its workplace.
  let scratchBytes: Int

  init(_ shape: Shape, engine: dnnl_engine_t) {
    // Compiled for one thread: what is compiled may depend on how many there are.
    omp_set_num_threads(1)
    var a = Self.description([shape.m, shape.k], strides: shape.a, dnnl_bf16)
    var b = Self.description([shape.k, shape.n], strides: shape.b, dnnl_bf16)
    var c = Self.description([shape.m, shape.n], strides: [shape.resultStride, 1], dnnl_f32)
    var operation = dnnl_matmul_desc_t()
    unsafe Self.require(dnnl_matmul_desc_init(&operation, &a, &b, nil, &c))
    var attributes: dnnl_primitive_attr_t?
    unsafe Self.require(dnnl_primitive_attr_create(&attributes))
    unsafe Self.require(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user))
    if shape.isAdding {
      var sum: dnnl_post_ops_t?
      unsafe Self.require(dnnl_post_ops_create(&sum))
      unsafe Self.require(dnnl_post_ops_append_sum(sum, 1))
      unsafe Self.require(dnnl_primitive_attr_set_post_ops(attributes, sum))
      unsafe dnnl_post_ops_destroy(sum)
    }
    var plan: dnnl_primitive_desc_t?
    unsafe Self.require(dnnl_primitive_desc_create(&plan, &operation, attributes, engine, nil))
    var primitive: dnnl_primitive_t?
    unsafe Self.require(dnnl_primitive_create(&primitive, plan))
    guard let primitive = unsafe primitive,
      let scratch = unsafe dnnl_primitive_desc_query_md(plan, dnnl_query_scratchpad_md, 0)
    else { preconditionFailure("oneDNN made no product of \(shape)") }
    unsafe self.primitive = primitive
    (self.a, self.b, self.c) = (a, b, c)
    unsafe self.scratch = scratch.pointee
    scratchBytes = unsafe Int(dnnl_memory_desc_get_size(scratch))
    unsafe dnnl_primitive_desc_destroy(plan)
    unsafe dnnl_primitive_attr_destroy(attributes)
  }

  deinit { unsafe dnnl_primitive_destroy(primitive) }

  /// One product, on this thread.
  func run(
    _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, into c: UnsafeMutablePointer<Float>, at workplace: Workplace,
    engine: dnnl_engine_t
  ) {
    omp_set_num_threads(1)
    // oneDNN takes every memory as writable, and writes only to the result's and the scratchpad's.
    let memories: [(argument: Int32, description: dnnl_memory_desc_t, handle: UnsafeMutableRawPointer?)] = unsafe [
      (DNNL_ARG_SRC, self.a, UnsafeMutableRawPointer(mutating: a)),
      (DNNL_ARG_WEIGHTS, self.b, UnsafeMutableRawPointer(mutating: b)),
      (DNNL_ARG_DST, self.c, UnsafeMutableRawPointer(c)),
      (DNNL_ARG_SCRATCHPAD, scratch, workplace.scratch.start),
    ]
    let arguments = unsafe memories.map { argument, description, handle in
      var description = description
      var memory: dnnl_memory_t?
      unsafe Self.require(dnnl_memory_create(&memory, &description, engine, handle))
      return unsafe dnnl_exec_arg_t(arg: argument, memory: memory)
    }
    unsafe Self.require(dnnl_primitive_execute(primitive, workplace.stream, Int32(arguments.count), arguments))
    unsafe Self.require(dnnl_stream_wait(workplace.stream))
    unsafe arguments.forEach { unsafe dnnl_memory_destroy($0.memory) }
  }

  private static func description(
    _ dimensions: [Int], strides: [Int], _ type: dnnl_data_type_t
  ) -> dnnl_memory_desc_t {
    var description = dnnl_memory_desc_t()
    unsafe require(
      dnnl_memory_desc_init_by_strides(
        &description, 2, dimensions.map { Int64($0) }, type, strides.map { Int64($0) }))
    return description
  }

  /// Shapes are checked before they come here, so all that can fail is memory for what oneDNN compiles.
  static func require(_ status: dnnl_status_t, line: Int = #line) {
    precondition(
      status == dnnl_success, "oneDNN failed with status \(status.rawValue) (line \(line)); is there memory left?")
  }
}

/// What a thread needs to run products: a stream, and room.
@safe final class Workplace {
  let stream: dnnl_stream_t
  /// For what oneDNN rearranges.
  let scratch = GrowingBuffer()

  init(engine: dnnl_engine_t) {
    var stream: dnnl_stream_t?
    unsafe CompiledProduct.require(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags.rawValue))
    guard let stream = unsafe stream else { preconditionFailure("oneDNN made no stream") }
    unsafe self.stream = stream
  }

  deinit { unsafe dnnl_stream_destroy(stream) }
}
