/// What readers of texts have to say beside what they read, each line once: a text may be read more than once.
final class TextNotes {
  private(set) var lines: [String] = []

  func add(_ line: String) {
    if !lines.contains(line) { lines.append(line) }
  }
}
