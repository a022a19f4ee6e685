extension Array {
  /// Consecutive elements gathered into rounds of at most `most` tokens, at least one element each.
  func rounds(of most: Int, tokens: (Element) -> Int) -> [[Element]] {
    var rounds: [[Element]] = []
    var sum = 0
    for element in self {
      if rounds.isEmpty || sum + tokens(element) > most {
        rounds.append([])
        sum = 0
      }
      rounds[rounds.count - 1].append(element)
      sum += tokens(element)
    }
    return rounds
  }
}
