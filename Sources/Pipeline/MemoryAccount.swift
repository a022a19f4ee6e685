/// What a rank's memory holds at most in a phase: every large buffer by name, of scoring and of training alike.
///
/// The limit's check, the room for boundaries, the layers whose inside is kept and the number in a refusal all come from
/// here.
package struct MemoryAccount: Sendable, Equatable {
  /// A buffer, or buffers of one kind.
  package enum Buffer: String, CaseIterable, Sendable {
    /// The program itself and its libraries.
    case program
    /// This rank's share of the model in the checkpoint's type; mapped files cost nothing, the system can drop their pages.
    case weightsHeld = "weights held"
    /// Groups that are fetched from their owners ahead, and the one in use.
    case weightsInFlight = "weights in flight"
    /// Weights that stay for a whole phase in the type that they are multiplied in.
    case weightsKept = "weights kept"
    /// What is trained beside the weights, with gradients and the optimizer's moments.
    case trained
    /// The stream of every batch, or its gradient; in training the teacher's too.
    case streams
    /// Keys and values of the tokens that are written so far.
    case cache = "keys and values"
    /// Inputs of layers that are computed again.
    case boundaries
    /// The inside of layers that are not computed again.
    case insidesKept = "insides kept"
    /// Activations rounded to bf16: both factors of a weight's gradient.
    case roundedFactors = "rounded factors"
    /// One layer's weights, widened.
    case layerWeights = "layer weights"
    /// One layer's weight gradients.
    case weightGradients = "weight gradients"
    /// One batch inside a layer: activations that are not kept, and gradients of activations.
    case inside
    /// What ranks sum gradients with.
    case exchange
    /// The output matrix where it is widened, logits and states of a batch.
    case head

    /// When a buffer exists.
    fileprivate enum Moment { case always, inLayer, inHead }

    fileprivate var moment: Moment {
      switch self {
      case .layerWeights, .weightGradients, .inside, .exchange: .inLayer
      case .head: .inHead
      default: .always
      }
    }

    /// Whether the backend makes it.
    fileprivate var isOfBackend: Bool {
      switch self {
      case .program, .weightsHeld, .weightsInFlight, .exchange: false
      default: true
      }
    }
  }

  private var bytes: [Buffer: Int] = [.program: 100 << 20]

  /// An account of the program alone.
  package init() {}

  /// Bytes of a buffer; sizes that no machine has stay at the largest number.
  package subscript(buffer: Buffer) -> Int {
    get { bytes[buffer] ?? 0 }
    set { bytes[buffer] = newValue }
  }

  /// Bytes at the moment that needs most: inside a layer, or in the head.
  package var total: Int { peak { _ in true } }

  /// Bytes of them that are the backend's.
  package var backendBytes: Int { peak(of: \.isOfBackend) }

  private func peak(of isCounted: (Buffer) -> Bool) -> Int {
    func sum(_ moment: Buffer.Moment) -> Int {
      bytes.reduce(0) { $1.key.moment == moment && isCounted($1.key) ? $0.saturatingSum($1.value) : $0 }
    }
    return sum(.always).saturatingSum(max(sum(.inLayer), sum(.inHead)))
  }

  /// Bytes of float32 numbers in a backend's memory, whose buffers come in sizes an eighth apart.
  static func floats(_ count: Int) -> Int {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: 4)
    return overflow ? .max : bytes.saturatingSum(bytes / 8)
  }
}

extension Int {
  /// The sum, or the largest number.
  fileprivate func saturatingSum(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
