/// Sums gradients over ranks, compressed, so that all ranks end with the same bits.
///
/// In two shots. (1) The values are cut into one part per rank (``Partition/block(of:rank:)``); each rank encodes every
/// part and sends it to the part's owner. (2) The owner decodes, adds *in rank order* in float32, and encodes the sum
/// once; everybody, the owner too, decodes those same bytes. So the result depends neither on arrival order nor on the
/// rank, and a value is rounded twice by a lossy codec however many ranks there are. With one rank nothing is sent and
/// nothing is rounded, whatever the codec.
///
/// Every method is collective unless said otherwise. All ranks throw the same `CommunicationError`, but for the code
/// `library`. One thread at a time.
public final class GradientExchange {
  /// Values in a gradient.
  public let count: Int
  /// What the values are, in errors.
  public let name: String
  /// The codec in use; where that was left open, `none` until the second `sum` decides.
  public internal(set) var codec: GradientCodec
  /// Of all calls of `sum` that succeeded.
  public private(set) var statistics = Statistics()
  /// Of the last one.
  public internal(set) var lastStatistics = Statistics()
  /// For saving; empty unless the codec is `int8` and there are several ranks. Not collective.
  public internal(set) var residuals = Residuals()

  let communicator: any Communicator
  let partition: Partition
  var coder: GradientCoder
  var isDecided: Bool

  /// One per rank: a part of the gradient, encoded.
  var frames: [[UInt8]]
  var sumFrame: [UInt8] = []
  /// The part that this rank owns: the sum so far, and what one rank adds to it.
  var partSum: [Float]
  var addend: [Float]
  /// `int8`'s gradient with what past ones lack, then what this one will lack.
  var corrected: [Float] = []

  /// - Parameters:
  ///   - count: how many values a gradient has; the same on all ranks.
  ///   - codec: nil leaves the choice between `exact` and `none`, which give the same sums, to the second `sum`: see
  ///     ``CodecMeasurement/pays(atBytesPerSecond:)``.
  ///   - communicator: for this exchange alone as long as a call runs.
  ///   - name: what the values are, in errors: "gate gradients".
  /// - Throws: `CommunicationError` with code `disagreement` unless ranks ask for the same.
  public init(
    count: Int, codec: GradientCodec?, communicator: any Communicator, name: String = "gradients"
  ) throws(CommunicationError) {
    precondition(count >= 0, "a count of values is not negative")
    try communicator.requireAgreement(
      on: "exchange of \(name)", digest: "\(count) values, codec \(codec?.rawValue ?? "auto")")
    self.count = count
    self.name = name
    self.communicator = communicator
    self.codec = codec ?? .none
    isDecided = codec != nil || communicator.size == 1
    partition = Partition(ranks: communicator.size)
    coder = try GradientCoder(codec ?? .none)
    frames = Array(repeating: [], count: communicator.size)
    let owned = communicator.size > 1 ? partition.block(of: count, rank: communicator.rank).count : 0
    partSum = Array(repeating: 0, count: owned)
    addend = partSum
    if codec == .int8, communicator.size > 1 {
      corrected = Array(repeating: 0, count: count)
      residuals = Residuals(own: corrected, owned: partSum)
    }
  }

  /// Replaces `values` on every rank by the sum over ranks. All ranks get the same bits.
  ///
  /// - Parameters:
  ///   - values: `count` values, this rank's gradient.
  ///   - step: the number of the call, the same on all ranks; for errors.
  ///   - place: names value i for people: "layer 3 mlp unit 17".
  /// - Throws: `CommunicationError` with code `notFinite` when a rank's value or a sum is infinite or NaN: naming rank,
  ///   step and place, with `values` and residuals as they were. With code `damaged` when a message came in changed, and
  ///   `disagreement` when ranks are at different steps or ended with different sums: `values` are useless then.
  public func sum(
    _ values: inout [Float], step: Int, place: (Int) -> String = { "element \($0)" }
  ) throws(CommunicationError) {
    precondition(values.count == count, "a gradient has as many values as its exchange")
    lastStatistics = Statistics()
    lastStatistics.steps = 1
    if communicator.size == 1 {
      try requireFinite(values, step: step, place: place)
    } else {
      try decide(by: values)
      let received = try communicator.exchange(encodedParts(of: values, step: step, place: place))
      try ExchangeFailure.throwFirst(in: received)
      let sums = try communicator.gather(
        ExchangeFailure.caught { () throws(CommunicationError) in
          try encodedSum(of: received, values: values, step: step, place: place)
        })
      try ExchangeFailure.throwFirst(in: sums)
      try agree(
        on: ExchangeFailure.caught { () throws(CommunicationError) in try decode(sums, into: &values, step: step) },
        step: step)
      keepErrors()
    }
    statistics.add(lastStatistics)
  }
}
