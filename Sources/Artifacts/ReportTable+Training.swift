/// The rows of runs that chose calibration text, tuned gates or recovered.
extension ReportTable {
  /// Perplexity after each step of the method, and how often the dense model's it is.
  func perplexities() -> [Line] {
    guard let perplexities = report.perplexities, !perplexities.isEmpty else { return [] }
    let dense = perplexities.first { $0.name == "dense" }?.value
    return [line("step", "perplexity", dense == nil ? "" : "of dense")]
      + perplexities.map { measured in
        let ratio = dense.map { measured.value / $0 } ?? .nan
        let isCompared = measured.name != "dense" && ratio.isFinite && ratio > 0
        return line(
          TextLayout.visible(measured.name), TableNumber.fixed(measured.value, 2),
          isCompared ? "×" + TableNumber.fixed(ratio, 2) : "")
      }
  }

  /// The calibration sets that were compared.
  func selection() -> [Line] {
    guard let selection = report.selection, !selection.isEmpty else { return [] }
    return [line("candidate", "divergence", "", "seed")]
      + selection.map { candidate in
        line(
          TextLayout.visible(candidate.name), TableNumber.fixed(candidate.divergence, 4),
          candidate.isChosen ? "chosen" : "", "\(candidate.seed)")
      }
  }

  /// What training cost.
  func training() -> [Line] {
    guard let training = report.training, !training.isEmpty else { return [] }
    return [line("training", "tokens", "seconds", "gradients sent")]
      + training.map { stage in
        let ratio = stage.compressionRatio.map { ", ÷" + TableNumber.fixed($0, 2) } ?? ""
        return line(
          TextLayout.visible(stage.stage), TableNumber.grouped(stage.tokens), TableNumber.fixed(stage.seconds, 1),
          "\(ByteSize(bytes: max(0, stage.sentBytes)).rounded)\(ratio), \(TextLayout.visible(stage.codec))")
      }
  }

  /// Where the scheduler's stages ended.
  func rounds() -> [Line] {
    let rounds = (report.training ?? []).flatMap { stage in
      stage.rounds.enumerated().map { (name: "\(stage.stage) \($0 + 1)", round: $1) }
    }
    guard !rounds.isEmpty else { return [] }
    return [line("round", "sparsity", "validation", "loss")]
      + rounds.map { name, round in
        line(
          TextLayout.visible(name), round.sparsity.map { TableNumber.percent($0) } ?? "–",
          round.validationPerplexity.map { TableNumber.fixed($0, 2) } ?? "–",
          TableNumber.fixed(round.loss, 4) + (round.isKept ? "  kept" : ""))
      }
  }
}
