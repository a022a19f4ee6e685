public import Compute
public import Tensors

/// Keeps the hidden states between layers ("boundary activations") of every batch of a rank: `[token, hidden]` each.
///
/// What fits the budget stays in the backend's memory; the rest goes to an unnamed mapped file, which the system may
/// write out. A layer's inside is computed again from its boundary in the backward pass; of layers whose inside is kept
/// the boundary is a part of that, so a store has none of theirs.
public final class BoundaryStore {
  private let backend: any ComputeBackend
  private let batchTokens: [Int]
  private let hiddenSize: Int
  /// How many layers, from the first, have their boundaries here.
  public let layers: Int
  /// Matrices held in memory, by slot.
  private var resident: [Int: Matrix] = [:]
  private let residentSlots: Int
  private let spill: SpillFile?

  /// Room for the inputs of the first `layers` layers of each batch.
  ///
  /// - Parameters:
  ///   - memoryBudget: bytes that boundaries may take in memory; nil for all they need.
  ///   - spillFolder: where the file for the rest is made.
  /// - Throws: ``StorageError`` when the file cannot be made that large.
  public init(
    layers: Int, batches: [TokenBatch], hiddenSize: Int, backend: any ComputeBackend, memoryBudget: Int?,
    spillFolder: String
  ) throws(StorageError) {
    self.backend = backend
    self.hiddenSize = hiddenSize
    self.layers = layers
    batchTokens = batches.map(\.layout.tokens)
    let largest = (batchTokens.max() ?? 0) * hiddenSize
    let slots = layers * batches.count
    residentSlots = memoryBudget.map { largest == 0 ? slots : min(slots, max(0, $0) / (largest * 4)) } ?? slots
    // Slots are as large as the largest batch: the file is sparse where batches are smaller.
    spill =
      residentSlots < slots
      ? try SpillFile(folder: spillFolder, byteCount: (slots - residentSlots) * largest * 4) : nil
    slotSize = largest
  }

  private let slotSize: Int

  /// Bytes that all boundaries take, wherever they are.
  public static func byteCount(layers: Int, tokens: Int, hiddenSize: Int) -> Int { layers * tokens * hiddenSize * 4 }

  /// Bytes that went to the file.
  public var spilledBytes: Int { (spill?.floatCount ?? 0) * 4 }

  /// Keeps a batch's input of `layer`. The store holds on to the matrix itself when it stays in memory.
  public func put(_ matrix: Matrix, layer: Int, batch: Int) throws(StorageError) {
    let slot = slot(layer: layer, batch: batch)
    if slot < residentSlots {
      resident[slot] = matrix
    } else if let spill {
      try spill.write(backend.floats(matrix).span, at: (slot - residentSlots) * slotSize)
    }
  }

  /// A batch's input of `layer`, which the store keeps no longer.
  public func take(layer: Int, batch: Int) throws -> Matrix {
    let slot = slot(layer: layer, batch: batch)
    if let matrix = resident.removeValue(forKey: slot) { return matrix }
    guard let spill, slot >= residentSlots else {
      preconditionFailure("boundary \(layer) of batch \(batch) is not kept")
    }
    var values = [Float](repeating: 0, count: batchTokens[batch] * hiddenSize)
    var span = values.mutableSpan
    try spill.read(at: (slot - residentSlots) * slotSize, into: &span)
    return try backend.makeMatrix(batchTokens[batch], hiddenSize, values: values)
  }

  /// Early layers are needed last, so they are the ones to spill: the last layers have the first slots.
  private func slot(layer: Int, batch: Int) -> Int {
    precondition((0..<layers).contains(layer), "boundary \(layer) of \(layers)")
    return (layers - 1 - layer) * batchTokens.count + batch
  }
}
