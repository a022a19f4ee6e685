import ArgumentParser
import Artifacts
import MPICommunication
import Pipeline

/// What would keep a run from working, or from working well.
struct DoctorCommand: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Check hosts, ranks, links and files before a run: what is wrong, and what to do.",
    usage: "espalier doctor [<document>] [<options>]",
    discussion: """
      Start it as the run will be started: mpirun … espalier doctor run.yaml. Without a document and a model no files are \
      checked. Exit code 0: a run would work, perhaps with warnings; else the code that a run would end with.
      """)

  @Argument(help: "The run document; without one, the model alone.")
  var document: String?

  @Option(help: ArgumentHelp("Folder of the model.", valueName: "folder"))
  var model: String?

  @Option(help: ArgumentHelp("Folder that the run would write to.", valueName: "folder"))
  var output: String?

  @Option(help: ArgumentHelp("Threads per rank, or auto.", valueName: "count"))
  var threads: String?

  @Flag(help: "Compare every byte of the model and the texts, not only sizes, headers and ends.")
  var full = false

  @Option(help: ArgumentHelp("Seconds that a check may take before the job is ended.", valueName: "seconds"))
  var timeout = 60

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws { try requireNumber("--timeout", timeout, upTo: 86_400) }

  func prepare() throws -> PreparedCommand {
    var overrides: [RunOverride] = []
    for (key, value) in [("model", model), ("output", output), ("resources.threads", threads)] {
      if let value { overrides.append(RunOverride(key: key, value: value, source: "--\(key) \(value)")) }
    }
    let run: RunDocument
    if let document {
      run = try RunDocument(bytes: RunDocument.bytes(ofFile: document), name: document, overrides: overrides)
    } else {
      // A document has a model, looked at or not.
      let all = overrides + (model == nil ? [RunOverride(key: "model", value: ".", source: "--model .")] : [])
      run = try RunDocument(yaml: "{}", overrides: all)
    }
    let doctor = Doctor(
      run,
      options: Doctor.Options(
        hasModel: document != nil || model != nil, hasDocument: document != nil, readsAll: full, limit: Double(timeout),
        messageLibrary: MPISession.libraryVersion))
    let json = json
    return PreparedCommand(name: "doctor", body: { try doctor.run($0, json: json) }, isQuiet: true)
  }
}
