/// One document of a text file.
enum TextDocument: Sendable, Equatable {
  /// Plain text.
  case text(String)
  /// A request put into words, and the answer to it, which stands right behind it.
  case instruction(prompt: String, output: String)

  /// The document as one text.
  var whole: String {
    switch self {
    case .text(let text): text
    case .instruction(let prompt, let output): prompt + output
    }
  }
}
