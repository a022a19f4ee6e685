/// Finds the name that somebody meant.
enum NearestName {
  /// The name in `names` that is nearest to `word`, if near enough: at most a third of its characters differ (at least
  /// one may). The first of equally near ones.
  static func nearest(to word: String, in names: [String]) -> String? {
    // Nobody mistypes 64 characters; a longer word would only cost time.
    guard word.count <= 64 else { return nil }
    let lowercased = word.lowercased()
    let ranked = names.map { (name: $0, distance: distance(lowercased, $0.lowercased())) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(1, best.name.count / 3) ? best.name : nil
  }

  /// The optimal string alignment distance: insertions, deletions, substitutions, and swaps of neighbours.
  static func distance(_ left: String, _ right: String) -> Int {
    let (a, b) = (Array(left), Array(right))
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
      var current = [i + 1]
      for j in b.indices {
        var cost = min(last[j + 1] + 1, current[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
        current.append(cost)
      }
      (beforeLast, last) = (last, current)
    }
    return last[b.count]
  }
}
