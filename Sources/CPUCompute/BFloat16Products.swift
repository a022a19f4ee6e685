internal import COneDNN
internal import Compute

/// Products of bf16 matrices with float32 sums and results, in oneDNN, the rows of the result divided among threads.
///
/// Factors are read where they lie, in either order: packing weights beforehand, which oneDNN also offers, gained 1 to 7 %
/// at the widths of SmolLM2 and Llama 3.1 (docs/decisions.md) and would hold a second copy of what the file has. oneDNN's own
/// threads, OpenMP's, would spin for the cores of other ranks where those are few; here every call of it has one thread.
@safe final class BFloat16Products {
  private let engine: dnnl_engine_t
  private let parallel: Parallel
  private let pool: HostMemoryPool
  private var compiled: [CompiledProduct.Shape: CompiledProduct] = [:]
  /// What the parts of a product need for themselves.
  private var workplaces: [Workplace] = []
  /// A model has a dozen shapes; texts of many lengths have more, and what is compiled takes memory.
  private static let most = 256
  /// Rows of a part are a multiple of this many, as vectors and tiles are.
  private static let rowGranularity = 32
  /// Multiplications that a part has at least: a tenth of a millisecond or less.
  private static let leastWork = 1 << 23

  /// nil where the processor multiplies no bf16 numbers, or oneDNN does not start.
  init?(parallel: Parallel, pool: HostMemoryPool) {
    guard Self.isSupported else { return nil }
    var engine: dnnl_engine_t?
    guard unsafe dnnl_engine_create(&engine, dnnl_cpu, 0) == dnnl_success, let engine = unsafe engine else {
      return nil
    }
    unsafe self.engine = engine
    self.parallel = parallel
    self.pool = pool
  }

  deinit {
    compiled.removeAll()
    workplaces.removeAll()
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

    /// The first number of a row.
    func row(_ index: Int) -> UnsafeRawPointer { unsafe start + index * rowStride * 2 }
  }

  /// c `[m, n]` (+)= a `[m, k]` · b `[k, n]`; c row-major float32.
  func multiply(
    _ a: Factor, _ b: Factor, m: Int, n: Int, k: Int, into c: UnsafeMutablePointer<Float>, stride: Int, adding: Bool
  ) {
    let most = max(1, min(parallel.threads, m * n * k / Self.leastWork))
    let granularity = Self.rowGranularity
    let size = most == 1 ? m : ((m + most - 1) / most + granularity - 1) / granularity * granularity
    let parts = (m + size - 1) / size
    let shape = unsafe CompiledProduct.Shape(
      m: size, n: n, k: k, a: [a.rowStride, a.columnStride], b: [b.rowStride, b.columnStride], resultStride: stride,
      isAdding: adding)
    let whole = product(shape)
    let last = m % size == 0 ? whole : product(shape.with(rows: m % size))
    prepareWorkplaces(parts, scratchBytes: max(whole.scratchBytes, last.scratchBytes))
    let workplaces = workplaces
    parallel.tasks(parts) { part, _ in
      let row = part * size
      unsafe (part == parts - 1 ? last : whole).run(
        a.row(row), b.start, into: c + row * stride, at: workplaces[part], engine: engine)
    }
  }

  private func product(_ shape: CompiledProduct.Shape) -> CompiledProduct {
    if let known = compiled[shape] { return known }
    if compiled.count >= Self.most { compiled.removeAll() }
    let product = unsafe CompiledProduct(shape, engine: engine)
    compiled[shape] = product
    return product
  }

  private func prepareWorkplaces(_ count: Int, scratchBytes: Int) {
    while workplaces.count < count { workplaces.append(unsafe Workplace(engine: engine)) }
    for workplace in workplaces.prefix(count) { workplace.scratch.reserve(scratchBytes, from: pool) }
  }
}
