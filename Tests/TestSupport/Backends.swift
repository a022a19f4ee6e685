internal import CPUCompute
public import Compute

/// The backends that one suite of tests runs over.
public enum TestedBackend: String, CaseIterable, Sendable {
  case reference
  case cpu

  /// A fresh one, with so many threads where it has any.
  public func make(threads: Int = 1) -> any ComputeBackend {
    switch self {
    case .reference: ReferenceBackend()
    case .cpu: CPUBackend(threads: threads)
    }
  }

  /// The CPU's with products of weights in bf16; nil on a processor without them.
  public static func makeBFloat16() -> (any ComputeBackend)? {
    CPUBackend.supportsBFloat16 ? CPUBackend(threads: 1, usesBFloat16: true) : nil
  }
}
