import ArgumentParser
import Pipeline

/// Token ids of text, one line of ids to a line of text or a document.
struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize", abstract: "Print token ids, one line per line of text or JSON document.")

  @Option(help: ArgumentHelp("Folder of the model whose tokenizer.json is used.", valueName: "folder"))
  var model: String

  @Flag(help: "Add the special tokens that the tokenizer's template names.")
  var specialTokens = false

  @Argument(help: "The text; lines of standard input without it.")
  var text: String?

  func run() {
    Launch.alone("tokenize") {
      try LineTokenizer(model: model, addsSpecialTokens: specialTokens).run(text, into: StandardOutput())
    }
  }
}
