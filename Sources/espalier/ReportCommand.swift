import ArgumentParser
import Pipeline

/// The page of a run, drawn again.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Draw report.html again from a run folder's report.json and metrics.jsonl.")

  @Argument(help: "The run folder.")
  var folder: String

  func run() {
    Launch.alone("report") {
      let run = try FinishedRun(folder: folder)
      let page = try run.writePage()
      for note in run.notes { Launch.write("espalier: warning: \(note)") }
      try StandardOutput().write(page)
    }
  }
}
