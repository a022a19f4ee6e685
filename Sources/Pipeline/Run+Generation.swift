public import Artifacts
internal import Architectures
internal import Calibration
internal import Communication

/// Text that the dense model writes itself.
extension Run {
  /// `generate`: generated.safetensors, a text for tuning, recovery or calibration.
  public func generateOnly() throws -> RunReport {
    let section = inputs.document.generation
    let memory = try resources.generationMemory(
      inputs.model, length: section.length, sequences: inputs.prompts.count)
    if !memory.keepsWeights {
      report.warnings.append(
        "memory does not hold all weights at a time, so each is loaded or received again for every token; raise "
          + "resources.memory-limit, or use more ranks")
    }
    return try inFolder("generate", result: nil) { try generate(memory) }
  }

  /// Writes the sequences that an earlier run has not written, and then the file of all.
  private func generate(_ memory: GenerationMemory) throws {
    let stage = GenerateStage(session: session, resources: resources, recorder: recorder)
    let total = inputs.prompts.count
    var text = try finishedSequences()
    running = ("generate", .now)
    defer { running = nil }
    try stage.run(inputs, from: text.count, memory: memory) { places, sequences in
      text += sequences
      // The last round is kept as all of the text.
      guard places.upperBound < total else { return }
      let name = "state/generated-\(places.upperBound).safetensors"
      try onFirst {
        try RunFolder(path: folder.state).make()
        try TokenFile.write(sequences, metadata: [:], to: "\(folder.path)/\(name)")
      }
      try finish("\(Self.roundName)\(places.upperBound)/\(total)", files: [name], numbers: [Double(places.upperBound)])
    }
    let section = inputs.document.generation
    try onFirst {
      try TokenFile.write(
        text,
        metadata: [
          "model_hash": inputs.modelHash, "data_hash": inputs.promptsHash, "seed": "\(section.seed)",
          "temperature": "\(section.temperature)", "prompt": "\(section.prompt)",
        ], to: folder.generated)
    }
    report.generated = RunReport.Generated(
      path: folder.generated, sequences: total, length: section.length, prompt: section.prompt)
  }

  /// What rounds are called in state/run.json, with the number of sequences that are written by then.
  private static let roundName = "generate "

  /// The sequences of the rounds that an earlier run has finished, the first of all; on every rank.
  private func finishedSequences() throws -> [[Int32]] {
    let rounds = state?.phases.filter { $0.name.hasPrefix(Self.roundName) } ?? []
    let names = rounds.flatMap { $0.files.keys }
    return try session.together {
      let sequences = try names.flatMap { try TextReader(inputs.model).inputIDs("\(folder.path)/\($0)").ids }
      guard sequences.count == Int(rounds.last?.numbers.first ?? 0) else {
        throw ArtifactError(
          code: .damaged, message: "\(folder.state): the sequences are not as they were left; start over (--fresh)")
      }
      return sequences
    }
  }
}
