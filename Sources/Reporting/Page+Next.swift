internal import Artifacts

/// What to do next, from what there is and how good it is.
extension Page {
  struct Next {
    let reason: String
    let command: String
  }

  static func next(_ report: RunReport, runFolder: String) -> Section {
    guard report.commands != nil, !runFolder.isEmpty else { return Section(title: "What next") }
    let document = quoted("\(runFolder)/run.yaml")
    let isJudged = report.perplexity?.after != nil
    let isBad = report.verdict.map { $0 != .good } ?? false
    let stages = Set((report.training ?? []).map(\.stage))
    var steps: [Next] = []
    func add(_ reason: String, _ command: String) { steps.append(Next(reason: reason, command: command)) }

    if report.verdict == .broken {
      add("The model is broken: ask for less.", "espalier prune \(document) --sparsity 0.1 --overwrite")
    }
    if report.sparsity == nil, report.scoring != nil {
      add("Choose the units to keep.", "espalier allocate \(document) --sparsity 0.3")
    }
    if isBad, !stages.contains(RunReport.Training.tuning), report.artifacts?.scores != nil {
      add(
        "Let gates learn which units stay (docs/training.md).",
        "espalier tune \(document) --set tuning.steps=200")
    }
    if report.sparsity != nil, report.output == nil {
      if !isJudged {
        add(
          "Measure what the plan would cost.",
          "espalier evaluate \(document) --plan \(quoted("\(runFolder)/plan.json")) --evaluation-text TEXT")
      }
      let gates = report.artifacts?.gates == nil ? "" : " --gates \(quoted("\(runFolder)/gates.safetensors"))"
      add("Write the smaller model.", "espalier repack \(document)\(gates) --overwrite")
    }
    if let output = report.output {
      if !isJudged {
        add("Measure it.", "espalier evaluate --model \(quoted(output)) --evaluation-text TEXT")
      }
      if isBad, report.verdict != .broken, !stages.contains(RunReport.Training.recovery) {
        add(
          "Train what is left, against the dense model.",
          "espalier recover --model \(quoted(output)) --output \(quoted(output + "-recovered")) --set "
            + "recovery.teacher=\(quoted(report.model.path)) --set recovery.text=TEXT --set recovery.steps=100")
      }
      if report.verdict != .broken {
        add(
          "Load it in Python.",
          "from transformers import AutoModelForCausalLM\n"
            + "AutoModelForCausalLM.from_pretrained(\"\(output)\", trust_remote_code=True)")
      }
    }
    if report.generated != nil {
      add(
        "Train on the text that the model wrote.",
        "espalier tune \(document) --set tuning.text=\(quoted("\(runFolder)/generated.safetensors")) --set tuning.steps=200"
      )
    }
    return Section(title: "What next", commands: steps)
  }

  /// A path as a shell takes it.
  private static func quoted(_ path: String) -> String {
    let plain = path.unicodeScalars.allSatisfy { scalar in
      scalar.properties.isAlphabetic && scalar.isASCII || "0123456789_-./+=:@%".unicodeScalars.contains(scalar)
    }
    return plain && !path.isEmpty ? path : "'\(path.replacing("'", with: "'\\''"))'"
  }
}
