internal import COpenBLAS
internal import Compute

/// How attention is cut: scores exist for some queries of all heads that share a key-value head, stacked, and for some
/// keys at a time. So memory does not grow with the length of a sequence.
struct AttentionTiling {
  /// Queries of one head in a tile.
  let queries: Int
  let keys: Int
  /// Rows of a tile: its queries of every head of the group.
  let rows: Int

  init(_ geometry: AttentionGeometry, layout: SequenceLayout) {
    // A power of two divides the usual lengths of sequences.
    let stacked = max(Self.fewestQueries, Self.mostRows / geometry.groupSize)
    let power = 1 << (Int.bitWidth - 1 - stacked.leadingZeroBitCount)
    queries = min(power, Self.mostQueries, max(1, layout.longest))
    rows = queries * geometry.groupSize
    keys = min(max(Self.fewestKeys, Self.mostScores / rows), max(1, layout.longest))
  }

  // Measured. More queries of one head would compute more scores beyond the diagonal, and tiles of more scores do not stay
  // in a core's second-level cache; much smaller ones leave products too little work for the memory they touch.
  private static let mostRows = 256
  private static let mostQueries = 128
  private static let fewestQueries = 16
  private static let mostScores = 1 << 17
  private static let fewestKeys = 128

  /// Ranges of about equal length, at most `keys` long.
  func tiles(of seen: Range<Int>) -> [Range<Int>] {
    let count = (seen.count + keys - 1) / keys
    let size = (seen.count + count - 1) / count
    return stride(from: seen.lowerBound, to: seen.upperBound, by: size).map {
      $0..<min($0 + size, seen.upperBound)
    }
  }
}

/// Some queries of a sequence, in all query heads of one key-value head.
struct AttentionTask {
  /// The rows of the whole sequence.
  let sequence: Range<Int>
  let queries: Range<Int>
  let keyValueHead: Int

  /// One task per sequence and key-value head, or with `queries` one per that many queries too; long ones first, so that
  /// threads end together.
  static func all(_ geometry: AttentionGeometry, layout: SequenceLayout, queries: Int = .max) -> [AttentionTask] {
    var tasks: [AttentionTask] = []
    for sequence in (0..<layout.count).map({ layout.rows(of: $0) }) {
      for head in 0..<geometry.keyValueHeads {
        for start in stride(from: sequence.lowerBound, to: sequence.upperBound, by: queries) {
          let end = min(queries, sequence.upperBound - start) + start
          tasks.append(AttentionTask(sequence: sequence, queries: start..<end, keyValueHead: head))
        }
      }
    }
    return tasks.sorted { $0.cost > $1.cost }
  }

  /// The same, `queries` queries at a time.
  func parts(queries count: Int) -> [AttentionTask] {
    stride(from: queries.lowerBound, to: queries.upperBound, by: count).map { start in
      AttentionTask(
        sequence: sequence, queries: start..<min(start + count, queries.upperBound), keyValueHead: keyValueHead)
    }
  }

  /// The columns of a tile of scores with these keys that the first query sees; each next query sees one on.
  func columnsSeen(of keys: Range<Int>, _ geometry: AttentionGeometry) -> (first: Int, end: Int) {
    let beyond = Int.max / 4
    guard geometry.isCausal else { return (-beyond, beyond) }
    let end = queries.lowerBound - keys.lowerBound + 1
    return (geometry.slidingWindow.map { end - min($0, beyond) } ?? -beyond, end)
  }

  /// The key-value head's columns of keys, values or their gradients.
  @unsafe func keyValueHead(of matrix: Matrix, _ geometry: AttentionGeometry) -> HeadRows {
    unsafe HeadRows(matrix, column: keyValueHead * geometry.headWidth)
  }

  /// Each query head of the group, counted from 0, with its columns of queries, outputs or their gradients.
  @unsafe func forEachHead(of matrix: Matrix, _ geometry: AttentionGeometry, _ body: (Int, HeadRows) -> Void) {
    for head in 0..<geometry.groupSize {
      let column = (keyValueHead * geometry.groupSize + head) * geometry.headWidth
      unsafe body(head, HeadRows(matrix, column: column))
    }
  }

  /// About how many scores it computes under a causal mask.
  private var cost: Int { queries.count * (queries.upperBound - sequence.lowerBound) }
}

/// One head's columns of a matrix `[token, head · width]`, looked up once; rows by the matrix's own numbers.
@unsafe struct HeadRows {
  let start: UnsafeMutablePointer<Float>
  let stride: Int

  init(_ matrix: Matrix, column: Int) {
    unsafe start = matrix.pointer + column
    unsafe stride = matrix.stride
  }

  func row(_ index: Int) -> UnsafeMutablePointer<Float> { unsafe start + index * stride }

  /// Copies some rows to `target` `[rows, width]`.
  func copy(_ rows: Range<Int>, to target: UnsafeMutablePointer<Float>, width: Int) {
    for (index, source) in rows.enumerated() {
      unsafe (target + index * width).update(from: row(source), count: width)
    }
  }
}

/// c `[m, n]` = op(a) · op(b), or += when `adding`, on this thread.
@unsafe func multiplyTile(
  m: Int, n: Int, k: Int, _ a: UnsafePointer<Float>, _ aStride: Int, _ aTransposition: Transposition,
  _ b: UnsafePointer<Float>, _ bStride: Int, _ bTransposition: Transposition, into c: UnsafeMutablePointer<Float>,
  _ cStride: Int, adding: Bool
) {
  unsafe cblas_sgemm(
    CblasRowMajor, aTransposition == .none ? CblasNoTrans : CblasTrans,
    bTransposition == .none ? CblasNoTrans : CblasTrans, Int32(m), Int32(n), Int32(k), 1, a, Int32(aStride), b,
    Int32(bStride), adding ? 1 : 0, c, Int32(cStride))
}
