public import Blueprints
internal import Compute

/// A pass's numbers went beyond float32 though all weights are finite: the first place of the model, in its order, whose
/// output is infinite or NaN.
public struct Overflow: Error, CustomStringConvertible, Sendable, Equatable {
  /// What a pass is part of, and what to do when its numbers overflow.
  public struct Context: Sendable, Equatable {
    /// In front of the message, such as the step of training; empty for nothing.
    public var place: String
    public var remedy: String

    public init(place: String = "", remedy: String) {
      self.place = place
      self.remedy = remedy
    }

    /// A pass of the model as it came.
    public static let model = Context(
      remedy: "the model overflows by itself: get it again, or check that its config.json belongs to it")
    /// A pass of the model that a student learns from.
    static let teacher = Context(
      place: "the teacher", remedy: "it overflows by itself: get it again, or name another (recovery.teacher)")
    /// A pass of what a plan or gates leave of the model.
    public static let plan = Context(remedy: "the plan breaks the model: lower allocation.sparsity, or score it again")
  }

  public let group: WeightGroup
  public let context: Context

  public init(_ group: WeightGroup, _ context: Context) {
    self.group = group
    self.context = context
  }

  /// A number by which places come in the model's order: of several ranks' the least counts.
  public var order: Int {
    switch group {
    case .embedding: -1
    case .layer(let index): index
    case .encoderEnd: .max - 1
    case .head: .max
    }
  }

  /// One line: what, where, and what to do.
  public var description: String {
    let output =
      switch group {
      case .head: "the logits are"
      default: "the output of \(group) is"
      }
    return
      "\(context.place.isEmpty ? "" : context.place + ": ")\(output) infinite or NaN though every weight is a finite "
      + "number; \(context.remedy)"
  }
}

/// Finds where a sweep's numbers overflow.
struct OverflowSearch {
  let backend: any ComputeBackend
  let context: Overflow.Context
  /// The first place so far.
  private(set) var first: Overflow?

  init(_ backend: any ComputeBackend, _ context: Overflow.Context) {
    self.backend = backend
    self.context = context
  }

  /// Looks at an output; places come in the model's order, since hidden states that are not finite stay so.
  mutating func look(at output: Matrix, of group: WeightGroup) {
    if first == nil, !backend.isFinite(output) { first = Overflow(group, context) }
  }

  /// Takes account of what a head met.
  mutating func look(at head: HeadPass?) {
    if first == nil, head?.hasOverflowed == true { first = Overflow(.head, context) }
  }
}
