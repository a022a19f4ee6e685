/// How many steps of each pool meet a budget.
///
/// For a budget of R parameters DESIGN §1 wants ⌊A·ρ/γ⌋ of the A attention units, ρ = R/(P_a/γ + P_m) with P_a and P_m
/// the two pools' parameters; equivalently, a removed share c of the attention units is due once R ≥ c·(P_a + γ·P_m).
/// Neurons make up what whole attention units cannot hit.
///
/// As R rises, neuron steps follow it; when one more attention step is due, it enters and neurons step back by no more
/// parameters than it brings. So total removed parameters never fall as R rises, removed attention units are nested,
/// and the total is within one neuron step of R, half a step save next to such an exchange. Removed neurons cannot be
/// nested as well: sets that only grow jump by a whole attention unit (0.28 % of SmolLM2), and miss a budget in the
/// middle of the jump by half of that, more than the 0.1 % allowed.
struct BudgetSplit: Equatable {
  private(set) var attentionSteps = 0
  private(set) var mlpSteps = 0

  /// - Parameters:
  ///   - budget: parameters to remove, no more than both pools' removable ones.
  ///   - due: `[step]`, the budget from which on the attention step is due, not falling.
  ///   - attention: `[steps + 1]`, parameters that the first k steps remove, strictly rising from 0.
  ///   - mlp: the same of the neurons.
  init(budget: Double, due: [Double], attention: [Int], mlp: [Int]) {
    // Fewest neuron steps at the present attention step: those that keep the total from falling.
    var fewest = 0
    var most = mlp.count - 1
    for step in due.indices {
      let (before, after) = (attention[step], attention[step + 1])
      // An attention step never overshoots: it waits until the neurons hold enough to give back.
      let start = max(due[step], Double(after))
      most = max(fewest, Self.steps(mlp, notAbove: start - Double(before)))
      let total = before + mlp[most]
      let next = Self.steps(mlp, reaching: total - after)
      // Where the neurons are used up, attention takes the rest, from half-way between the two totals on.
      let halfWay = Double(total) + Double(after + mlp[next] - total) / 2
      let enters = budget >= start || (most == mlp.count - 1 && budget > halfWay)
      if !enters { break }
      attentionSteps = step + 1
      fewest = next
      most = mlp.count - 1
    }
    let nearest = Self.steps(mlp, nearest: budget - Double(attention[attentionSteps]))
    mlpSteps = min(max(nearest, fewest), most)
  }

  /// The most steps that remove no more than `amount`; 0 where even none is too much.
  private static func steps(_ parameters: [Int], notAbove amount: Double) -> Int {
    max(0, firstIndex(parameters) { Double($0) > amount } - 1)
  }

  /// The fewest steps that remove at least `amount`, or all steps.
  private static func steps(_ parameters: [Int], reaching amount: Int) -> Int {
    min(parameters.count - 1, firstIndex(parameters) { $0 >= amount })
  }

  /// The steps whose removal is nearest to `amount`, the fewer of two equally near.
  static func steps(_ parameters: [Int], nearest amount: Double) -> Int {
    let below = steps(parameters, notAbove: amount)
    guard below + 1 < parameters.count else { return below }
    return Double(parameters[below + 1]) - amount < amount - Double(parameters[below]) ? below + 1 : below
  }

  /// Binary search in rising `parameters` for the first that satisfies a condition which, once true, stays true.
  private static func firstIndex(_ parameters: [Int], where condition: (Int) -> Bool) -> Int {
    var (low, high) = (0, parameters.count)
    while low < high {
      let middle = low + (high - low) / 2
      if condition(parameters[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
