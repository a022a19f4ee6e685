import Artifacts
import Foundation
import Testing

/// docs/run-yaml.md is for people; the schema is what is true.
@Suite struct RunDocumentDocumentationTests {
  @Test func documentationHasEveryKeyAsTheSchemaSaysIt() throws {
    let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(contentsOf: repository.appending(path: "docs/run-yaml.md"), encoding: .utf8)
    let table = RunDocument.schemaText()
    #expect(table.contains("calibration: "))
    #expect(page.contains("```text\n\(table.trimmingCharacters(in: .newlines))\n```"))
  }
}
