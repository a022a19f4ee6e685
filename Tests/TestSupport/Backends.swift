internal import CPUCompute
public import Compute

/// The backends that one suite of tests runs over.
public enum TestedBackend: String, CaseIterable, Sendable {
  case reference
  case cpu

  /// A fresh one.
  public func make() -> any ComputeBackend {
    switch self {
    case .reference: ReferenceBackend()
    case .cpu: CPUBackend(threads: 1)
    }
  }

}
