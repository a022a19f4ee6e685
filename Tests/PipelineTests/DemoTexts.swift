import TestSupport

extension TemporaryFolder {
  /// Writes `first.txt` and `second.txt`: as many characters of the demo's held-out text, and of what follows them.
  func writeDemoTexts(first: Int, second: Int) throws {
    let text = try String(decoding: Self.bytes(of: Fixtures.repository + "/demo/valid.txt"), as: UTF8.self)
    try write(String(text.prefix(first)), to: "first.txt")
    try write(String(text.dropFirst(first).prefix(second)), to: "second.txt")
  }
}
