import ArgumentParser
import Pipeline

/// What a model folder holds, and what of it can be pruned.
struct InspectCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Check a model folder and tell its shape and what can be pruned.")

  @Argument(help: "Folder of the model.")
  var model: String

  @Flag(help: "Print JSON.")
  var json = false

  func prepare() throws -> PreparedCommand {
    let inspection = try Inspection(path: model)
    let text = json ? try inspection.json : inspection.text
    return PreparedCommand(name: "inspect", body: { _ in text }, isQuiet: true)
  }
}
