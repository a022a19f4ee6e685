import Artifacts
import Foundation
import Reporting
import Subprocess
import TestSupport
import Testing

/// The page in a real browser. Skipped where there is none (`scripts/setup --tests` installs it).
/// `ESPALIER_PICTURES=FOLDER` keeps the pictures, to be looked at after a change of the page.
@Suite(.serialized, .enabled(if: Browser.path != nil, "needs chromium")) struct BrowserTests {
  static let pages: [(name: String, report: RunReport, steps: [TrainingStep])] = [
    ("sample", SampleRun.report, SampleRun.steps), ("large", SampleRun.large, SampleRun.manySteps),
    ("hostile", SampleRun.hostile, SampleRun.hostileSteps),
  ]

  @Test(arguments: pages.map(\.name)) func rendersWithoutErrors(name: String) async throws {
    let page = try #require(Self.pages.first { $0.name == name })
    let browser = try Browser()
    let html = try HTMLReport(report: page.report, steps: page.steps, resolvedYAML: SampleRun.yaml ?? "").html()
    try browser.folder.write(html, to: "report.html")

    let dom = try await browser.run(["--dump-dom"])
    let pictures = try ParsedPage(html).elements("svg").count
    #expect(dom.ranges(of: "<svg").count == pictures && pictures > 5)
    #expect(dom.ranges(of: "</html>").count == 1 && !dom.contains("<script"))

    // Both pictures have the same size; what differs are the colors.
    let light = try await browser.screenshot("\(name)-light.png", [])
    let dark = try await browser.screenshot("\(name)-dark.png", ["--blink-settings=preferredColorScheme=0"])
    let phone = try await browser.screenshot("\(name)-phone.png", [], width: 500)
    #expect(light != dark && phone != light)

    try await browser.run(["--print-to-pdf=\(browser.folder.file("report.pdf"))", "--no-pdf-header-footer"])
    let printed = try browser.folder.read("report.pdf")
    #expect(printed.starts(with: Array("%PDF-".utf8)) && printed.count > 20_000)
    try browser.keep("report.pdf", as: "\(name).pdf")
  }
}

/// Debian's chromium without a window.
struct Browser {
  /// nil where there is none.
  static let path: String? = {
    let path = ProcessInfo.processInfo.environment["ESPALIER_CHROMIUM"] ?? "/usr/bin/chromium"
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }()

  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Opens report.html of the folder, and gives what the browser prints.
  @discardableResult
  func run(_ options: [String]) async throws -> String {
    let path = try #require(Self.path)
    let fixed = [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr", "--v=0",
      "--hide-scrollbars", "--user-data-dir=\(folder.file("profile"))",
    ]
    let result = try await Subprocess.run(
      .name("timeout"),
      arguments: Arguments(["-k", "5", "120", path] + fixed + options + ["file://" + folder.file("report.html")]),
      output: .string(limit: 1 << 24), error: .string(limit: 1 << 24))
    #expect(result.terminationStatus == .exited(0), "\(result.standardError)")
    // What pages say on the console, errors of scripts and of loading among it, has this mark.
    #expect(!result.standardError.contains("CONSOLE"), "\(result.standardError)")
    return result.standardOutput
  }

  /// A picture of the page, checked to be a PNG of the size that was asked for with more than a blank page in it.
  func screenshot(_ name: String, _ options: [String], width: Int = 1200) async throws -> [UInt8] {
    let height = 4200
    try await run(["--screenshot=\(folder.file(name))", "--window-size=\(width),\(height)"] + options)
    let picture = try folder.read(name)
    #expect(picture.starts(with: [0x89] + Array("PNG\r\n".utf8)) && picture.count > 60_000)
    let sides = [16, 20].map { start in picture[start..<start + 4].reduce(0) { $0 << 8 | Int($1) } }
    #expect(sides == [width, height])
    try keep(name, as: name)
    return picture
  }

  /// Copies a file to where the pictures are kept, if they are.
  func keep(_ name: String, as copy: String) throws {
    guard let kept = ProcessInfo.processInfo.environment["ESPALIER_PICTURES"] else { return }
    try FileManager.default.createDirectory(atPath: kept, withIntermediateDirectories: true)
    try Data(folder.read(name)).write(to: URL(filePath: "\(kept)/\(copy)"))
  }
}
