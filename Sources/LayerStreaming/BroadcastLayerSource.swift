public import Architectures
public import Blueprints
public import Communication
internal import Tensors
public import Transformers

/// Weights from their owners' memory: each group is read from disk by one rank, which holds it and broadcasts it whenever
/// a pass needs it.
///
/// Broadcasts run on a communication thread of their own, `depth` groups ahead of the computation, on a communicator of
/// their own: Open MPI moves data only inside its calls. All ranks go through the same schedule, so a rank that has no
/// sequences still takes part. A group that another rank sent is dropped when the pass has let go of it.
public final class BroadcastLayerSource: LayerSource {
  private let model: Model
  private let communicator: any Communicator
  private let thread: CommunicationThread
  private let partition: Partition
  private let owned: [WeightGroup: GroupWeights]
  private let depth: Int
  private var steps: PassSteps

  private var schedule: ArraySlice<WeightGroup> = []
  private var pending: [(group: WeightGroup, weights: Pending<GroupWeights>)] = []

  /// Bytes of all groups received or sent so far.
  public private(set) var broadcastBytes = 0

  /// Reads the groups that this rank owns into memory, and makes sure that they are finite numbers. Collective.
  ///
  /// - Parameters:
  ///   - communicator: for broadcasts alone; nothing else may use it.
  ///   - check: the run's.
  ///   - depth: how many groups are fetched ahead; memory holds as many besides the one in use.
  ///   - trace: gets every broadcast, every wait for one, and the layers that are computed in between.
  /// - Throws: on the ranks that came upon the first fault in the model; others return.
  public init(
    _ model: Model, communicator: any Communicator, check: WeightCheck = WeightCheck(), depth: Int = 2,
    trace: Trace? = nil
  ) throws {
    precondition(depth > 0, "something has to be fetched ahead")
    self.model = model
    self.communicator = communicator
    self.depth = depth
    steps = PassSteps(trace)
    let start = ContinuousClock.now
    thread = CommunicationThread(name: "layer broadcast")
    partition = Partition(ranks: communicator.size)
    var owned: [WeightGroup: GroupWeights] = [:]
    // By name: a tied output matrix is the embedding, and in memory once.
    var held: [String: StoredTensor] = [:]
    var fault: (place: Int, error: any Error)?
    for (place, group) in model.blueprint.groups.enumerated()
    where fault == nil && partition.owner(of: group, in: model.blueprint) == communicator.rank {
      do {
        try check.requireFinite(group, of: model)
        owned[group] = try Self.inMemory(try model.weights(of: group), &held)
      } catch {
        fault = (place, error)
      }
    }
    // Of several ranks' faults the one that comes first in the model counts, however many ranks there are.
    let first = -(try communicator.maximum(of: -(fault.map { Double($0.place) } ?? .infinity)))
    if let fault, Double(fault.place) == first { throw fault.error }
    self.owned = owned
    ownedBytes = held.values.reduce(0) { $0 + $1.byteCount }
    trace?.record("load own layers", .compute, on: .main, from: start, bytes: ownedBytes)
  }

  deinit { thread.shutdown() }

  /// Bytes of the weights that this rank holds.
  public let ownedBytes: Int

  public func begin(_ schedule: [WeightGroup]) throws {
    // A pass that failed may have left broadcasts behind, which other ranks took part in too.
    for (_, weights) in pending { _ = try weights.wait() }
    pending = []
    self.schedule = schedule[...]
    steps.begin()
    for _ in 0..<depth { fetchNext() }
  }

  public func weights(of group: WeightGroup) throws -> GroupWeights {
    guard let first = pending.first, first.group == group else {
      preconditionFailure("\(group) was asked for out of the announced order")
    }
    let weights = try steps.next(group) { try first.weights.wait() }
    pending.removeFirst()
    fetchNext()
    return weights
  }

  private func fetchNext() {
    guard let group = schedule.popFirst() else { return }
    let specifications = model.blueprint.tensors(of: group)
    let root = partition.owner(of: group, in: model.blueprint)
    let (model, communicator, own, trace) = (model, communicator, owned[group], steps.trace)
    let weights = thread.submit {
      if let trace, communicator.size > 1 {
        // Apart from the transfer: a rank that is late keeps the others waiting here.
        let start = ContinuousClock.now
        try communicator.barrier()
        trace.record("await ranks", .waiting, on: .communication, from: start)
      }
      let start = ContinuousClock.now
      var tensors: [TensorRole: StoredTensor] = [:]
      for specification in specifications {
        // Types and shapes are known from the headers, which every rank has read: only bytes travel.
        let stored = try own?[specification.role] ?? model.tensor(specification)
        tensors[specification.role] = try communicator.broadcast(stored, isRoot: own != nil, root: root)
      }
      let weights = GroupWeights(group: group, tensors: tensors)
      if communicator.size > 1 {
        trace?.record("broadcast \(group.name)", .broadcast, on: .communication, from: start, bytes: weights.byteCount)
      }
      return weights
    }
    pending.append((group, weights))
    guard communicator.size > 1 else { return }
    broadcastBytes += specifications.reduce(0) { sum, specification in
      sum + ((try? model.tensor(specification).byteCount) ?? 0)
    }
  }

  private static func inMemory(
    _ weights: GroupWeights, _ held: inout [String: StoredTensor]
  ) throws -> GroupWeights {
    var tensors: [TensorRole: StoredTensor] = [:]
    for (role, tensor) in weights.all {
      let copy =
        try held[tensor.name]
        ?? StoredTensor(
          name: tensor.name, elementType: tensor.elementType, shape: tensor.shape, copying: tensor.bytes)
      held[tensor.name] = copy
      tensors[role] = copy
    }
    return GroupWeights(group: weights.group, tensors: tensors)
  }
}

extension Communicator {
  /// A tensor's bytes from `root`'s memory: the root's own tensor, and a new one elsewhere.
  fileprivate func broadcast(_ tensor: StoredTensor, isRoot: Bool, root: Int) throws -> StoredTensor {
    guard size > 1 else { return tensor }
    var bytes = unsafe [UInt8](unsafeUninitializedCapacity: tensor.byteCount) { buffer, count in
      if isRoot {
        unsafe tensor.bytes.withUnsafeBytes { source in
          unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source)
        }
      }
      count = tensor.byteCount
    }
    var span = bytes.mutableSpan
    var raw = unsafe span.mutableBytes
    try broadcast(&raw, root: root)
    if isRoot { return tensor }
    return try StoredTensor(name: tensor.name, elementType: tensor.elementType, shape: tensor.shape, bytes: bytes)
  }
}
