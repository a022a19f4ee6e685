internal import Architectures
internal import Artifacts
internal import Blueprints
internal import Communication
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
    if let chosen = state?.phase("select")?.numbers.first.flatMap({ Int(exactly: $0) }),
      candidates.indices.contains(chosen), state?.phase("select")?.files[RunFolder.planName] != nil
    {
      inputs.calibration = candidates[chosen]
      return (try scores(at: folder.scores), try plan(at: folder.plan))
    }
    let stage = SelectStage(session: session, resources: resources, recorder: recorder)
    let choice = try stage.run(inputs, score: scoreCandidate, allocate: makePlan, remember: remember)
    // What is scored later, between stages of tuning, is scored on the chosen text too.
    inputs.calibration = candidates[choice.index]
    recorder.hold("calibration data", inputs.dataHash)
    note(choice.scores)
    try onFirst { try choice.scores.write(to: folder.scores) }
    try keep(choice.plan)
    let names = Self.names(of: candidates)
    report.selection = candidates.indices.map { index in
      RunReport.Candidate(
        name: names[index], seed: candidates[index].seed, text: candidates[index].text.joined(separator: ", "),
        divergence: choice.divergences[index], isChosen: index == choice.index)
    }
    try finish(
      "select", files: [RunFolder.scoresName, RunFolder.planName], numbers: [Double(choice.index)])
    let (name, seed) = (names[choice.index], "seed \(inputs.calibration.seed)")
    let divergence = String(format: "%.4g", choice.divergences[choice.index])
    session.console.say("chosen: \(name == seed ? seed : "\(name), \(seed)"), divergence \(divergence)")
    return (choice.scores, choice.plan)
  }

  /// The scores of a candidate, which stay in the state's folder until the choice is made.
  private func scoreCandidate(_ inputs: Inputs, index: Int) throws -> ScoreTable {
    let (phase, name) = ("score \(index + 1)/\(inputs.candidates.count)", "state/candidate-\(index + 1).safetensors")
    let path = "\(folder.path)/\(name)"
    if isFinished(phase) { return try scores(at: path) }
    let saved = try scoringState(inputs)
    let table = try scoreStage.run(inputs, state: saved).table
    if state != nil {
      try onFirst {
        try RunFolder(path: folder.state).make()
        try table.write(to: path)
      }
      try finish(phase, files: [name])
    }
    try saved.store.remove()
    return table
  }

  /// The divergences of a sweep, measured once.
  private func remember(_ sweep: Int, measure: () throws -> [Double]) throws -> [Double] {
    let phase = "compare \(sweep + 1)"
    if let known = state?.phase(phase)?.numbers { return known }
    let divergences = try measure()
    try finish(phase, numbers: divergences)
    return divergences
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
