internal import Artifacts
internal import Foundation

extension Run {
  /// Scores and the plan that they make, of the best candidate where there are several; leaves scores.safetensors and
  /// plan.json.
  func select() throws -> (scores: ScoreTable, plan: PruningPlan) {
    let candidates = inputs.candidates
    guard candidates.count > 1 else {
      let scores = try score()
      return (scores, try allocate(scores))
    }
    let stage = SelectStage(session: session, resources: resources, recorder: recorder)
    let choice = try stage.run(inputs, score: { try scoreStage.run($0).table }, allocate: makePlan)
    // What is scored later, between stages of tuning, is scored on the chosen text too.
    inputs.calibration = candidates[choice.index]
    try onFirst { try choice.scores.write(to: folder.scores) }
    try keep(choice.plan)
    let names = Self.names(of: candidates)
    report.selection = candidates.indices.map { index in
      RunReport.Candidate(
        name: names[index], seed: candidates[index].seed, text: candidates[index].text.joined(separator: ", "),
        divergence: choice.divergences[index], isChosen: index == choice.index)
    }
    let (name, seed) = (names[choice.index], "seed \(inputs.calibration.seed)")
    let divergence = String(format: "%.4g", choice.divergences[choice.index])
    session.console.say("chosen: \(name == seed ? seed : "\(name), \(seed)"), divergence \(divergence)")
    return (choice.scores, choice.plan)
  }

  /// What tables call the candidates: their file, or `seed N` where all are of one text.
  private static func names(of candidates: [CalibrationSet]) -> [String] {
    let texts = Set(candidates.map(\.text))
    guard texts.count > 1 else { return candidates.map { "seed \($0.seed)" } }
    func short(_ text: [String]) -> String {
      text.map { ($0 as NSString).lastPathComponent }.joined(separator: ", ")
    }
    // Files of the same name in different folders need their paths.
    let isUnique = Set(texts.map(short)).count == texts.count
    return candidates.map { isUnique ? short($0.text) : $0.text.joined(separator: ", ") }
  }
}
