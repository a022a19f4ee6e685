internal import Foundation

/// The machines that a run is estimated for: how many, and what each does in a second.
package struct Cluster: Sendable, Equatable {
  package var nodes: Int
  package var ranksPerNode: Int
  /// Of a rank.
  package var cores: Int
  /// Floating-point operations per second of a rank in float32 products, which perplexity is measured with.
  package var measuringRate: Double
  /// The same in the type that a run multiplies weights in.
  package var rate: Double
  /// Whether that type is bf16.
  package var usesBFloat16: Bool
  /// Bytes per second that a node sends, and receives at the same time.
  package var linkRate: Double
  /// Bytes per second that a node reads from its disk, or writes to it.
  package var diskRate: Double
  /// Bytes of a node's memory; nil: not known, and nothing is said of what fits.
  package var memory: Int?
  package var collectives: Collectives
  /// Whether owners broadcast their layers; otherwise every node maps the files.
  package var broadcasts: Bool

  package init(
    nodes: Int, ranksPerNode: Int, cores: Int, measuringRate: Double, rate: Double, usesBFloat16: Bool,
    linkRate: Double, diskRate: Double, memory: Int?, collectives: Collectives, broadcasts: Bool
  ) {
    self.nodes = nodes
    self.ranksPerNode = ranksPerNode
    self.cores = cores
    self.measuringRate = measuringRate
    self.rate = rate
    self.usesBFloat16 = usesBFloat16
    self.linkRate = linkRate
    self.diskRate = diskRate
    self.memory = memory
    self.collectives = collectives
    self.broadcasts = broadcasts
  }

  package var ranks: Int { nodes * ranksPerNode }

  /// Bytes per second between ranks: over links, or through the memory of the only node.
  var transferRate: Double { nodes > 1 ? linkRate : Self.sharedMemoryRate }

  /// Seconds in which `bytes` of one rank have come to all.
  func broadcastSeconds(_ bytes: Int) -> Double { Double(bytes) * collectives.broadcastPasses(ranks) / transferRate }

  /// Seconds in which `bytes` of every rank have been summed onto one.
  func reductionSeconds(_ bytes: Int) -> Double { Double(bytes) * collectives.reductionPasses(ranks) / transferRate }

  /// The share of the product's rate that passes reach, of what they compute: norms, attention, the clearing of memory and
  /// the rounding of activations take the rest (docs/performance.md, "of the peak: done").
  var efficiency: Double { usesBFloat16 ? 0.7 : Self.measuringEfficiency }
  static let measuringEfficiency = 0.85
  /// Bytes per second through the memory that ranks of a node share (docs/results.md: 6 to 10 Gb/s).
  static let sharedMemoryRate = 1e9
  /// Bytes per second at which a core reads memory, and at which a rank clears and reads a layer's gradients.
  static let memoryRate = 8e9
  /// Bytes per second at which all cores of a rank read weights: eight channels of memory give no more.
  var readingRate: Double { min(Double(cores) * Self.memoryRate, 200e9) }
}

/// How MPI broadcasts and sums what is long, as multiples of the time that the bytes take over one link.
///
/// Open MPI 4.1 chooses by the number of ranks (`coll_tuned_decision_fixed.c`), and does not cut messages into segments, so
/// trees wait for whole messages; measured over limited links that is as counted here (docs/estimate.md). With the rules of
/// cluster/open-mpi.rules it passes segments along a chain of ranks, in which every link carries the bytes once.
package enum Collectives: String, Sendable, CaseIterable {
  /// What Open MPI 4.1 does by itself.
  case openMPI = "open-mpi"
  /// Segments along a chain.
  case pipelined

  /// Times that a link carries the bytes one after another until all `ranks` have them.
  package func broadcastPasses(_ ranks: Int) -> Double {
    guard ranks > 2, self == .openMPI else { return ranks > 1 ? 1 : 0 }
    switch ranks {
    // Binary tree; chain; linear: whole messages one after another.
    case ..<16: return Double(ranks - 1)
    // Scatter and allgather (Thakur, Rabenseifner and Gropp, 2005): twice their bound, as measured.
    case ..<32, 2048...: return 4 * Double(ranks - 1) / Double(ranks)
    default: return Self.treePasses(ranks)
    }
  }

  /// A k-nomial tree of radix 4. A rank sends to all its children at once, so they have the message when all have; then
  /// they send on.
  private static func treePasses(_ ranks: Int) -> Double {
    var (passes, size) = (0, ranks)
    while size > 1 {
      var (children, distance, largest) = (0, 1, 1)
      while distance < size {
        children += min(3, (size - 1) / distance)
        largest = distance
        distance *= 4
      }
      passes += children
      size = min(largest, size - largest)
    }
    return Double(passes)
  }

  /// Times that a link carries the bytes one after another until the sum is on one of `ranks`.
  package func reductionPasses(_ ranks: Int) -> Double {
    guard ranks > 2, self == .openMPI else { return ranks > 1 ? 1 : 0 }
    // Chain or linear; binomial tree.
    return ranks < 8 ? Double(ranks - 1) : log2(Double(ranks)).rounded(.up)
  }
}
