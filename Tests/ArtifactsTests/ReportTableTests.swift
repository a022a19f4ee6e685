import Artifacts
import Testing

@Suite struct ReportTableTests {
  @Test func wholeTableIsExactlyThis() {
    let expected = """
                                before             after
      parameters           134,515,008        98,412,345   −26.8 %
      size                    269.1 MB          196.8 MB   −26.9 %
      sparsity           asked 30.00 %   reached 30.01 %
      perplexity                 23.48             62.47   ×2.66
                    wikitext-2.txt, 24 windows of 1,024, 24,552 tokens

      phase              seconds (max)          max/mean   rate
      load                         0.4              1.14
      score                       20.1              1.02   203 tokens/s
      evaluate                    75.1              1.01   1,235 tokens/s
      total                       95.6

      ranks         2 ranks on node1, 1 thread each, backend cpu
      peak memory   612.0 MB (rank 0), 598.4 MB (rank 1)
      traffic       1.1 GB
      output        SmolLM2-135M-pruned

      warning: 3,000 tokens of calibration text were found, so that 23 sequences of
               128 were used, not 32

      """
    #expect(ReportTable(sampleReport()).text == expected)
  }

  @Test func memoryStandsBesideTheRate() {
    var report = sampleReport()
    report.phases[0].peakBytes = 5_000_000
    report.phases[1].peakBytes = 1_234_000_000
    let text = ReportTable(report).text
    #expect(text.contains("max/mean   rate, memory\n"))
    #expect(text.contains("1.14   5.0 MB\n") && text.contains("1.02   203 tokens/s, 1.2 GB\n"))
  }

  @Test func whatWasNotMeasuredIsLeftOut() {
    let report = RunReport(
      espalierVersion: "0.1.0", model: .init(path: "m", hash: ""),
      resources: .init(ranks: 1, hosts: ["a"], threads: 8, backend: "cpu"))
    #expect(ReportTable(report).text == "ranks         1 rank on a, 8 threads each, backend cpu\n")
  }

  @Test func onlyTheDenseModel() {
    var report = RunReport(
      espalierVersion: "0.1.0", model: .init(path: "m", hash: ""),
      resources: .init(ranks: 64, hosts: ["a", "b"], threads: 8, backend: "cpu"))
    report.parameters = .init(before: 999)
    report.perplexity = .init(before: 23.456, after: nil, text: "a.txt", window: 8, windows: 1, tokens: 7)
    report.peakBytes = [5_000_000_000, 7_000_000_000] + Array(repeating: 6_000_000_000, count: 62)
    let expected = """
      parameters                   999
      perplexity                 23.46
                    a.txt, 1 window of 8, 7 tokens

      ranks         64 ranks on 2 hosts, 8 threads each, backend cpu
      peak memory   max 7.0 GB (rank 1), mean 6.0 GB, min 5.0 GB of 64 ranks

      """
    #expect(ReportTable(report).text == expected)
  }

  /// A plan is known by what it would leave, before that is written.
  @Test func sizesOfAPlan() {
    var report = sampleReport()
    report.output = nil
    report.parameters?.after = nil
    report.bytes?.after = nil
    report.planned = .init(parameters: 98_412_345, bytes: 196_800_000)
    report.perplexity?.after = .nan
    let lines = ReportTable(report).text.split(separator: "\n").map(String.init)
    #expect(
      lines.prefix(5) == [
        "                          before             after",
        "parameters           134,515,008        98,412,345   −26.8 %, planned",
        "size                    269.1 MB          196.8 MB   −26.9 %, planned",
        "sparsity           asked 30.00 %   reached 30.01 %",
        "perplexity                 23.48      not a number   broken",
      ])
  }

  /// Long names take room from the column beside them, so that all numbers stand under each other.
  @Test func longNamesStayInTheirColumn() {
    var report = sampleReport()
    report.phases = [
      .init(name: "evaluate gates + LoRA", seconds: [1, 3], rate: .init(value: 203.4, unit: "tokens/s")),
      .init(name: "score", seconds: [20]),
    ]
    let lines = ReportTable(report).text.split(separator: "\n").map(String.init)
    let phases = lines.drop { !$0.hasPrefix("phase ") }.prefix(4)
    #expect(
      phases == [
        "phase                   seconds (max)          max/mean   rate",
        "evaluate gates + LoRA             3.0              1.50   203 tokens/s",
        "score                            20.0              1.00",
        "total                            23.0",
      ])
  }

  /// Numbers that no run has, but a damaged report.json may.
  @Test func extremeNumbersNeitherTrapNorWiden() {
    var report = sampleReport()
    report.parameters = .init(before: Int.min, after: Int.max)
    report.bytes = .init(before: 0, after: -5)
    report.perplexity?.before = .nan
    report.perplexity?.after = 1e300
    report.sparsity = .init(requested: .infinity, achieved: -0.0)
    report.phases = [
      .init(name: "a\u{1B}[2J\nb", seconds: [.nan, 1e308, 1e308], rate: .init(value: 1e300, unit: "tokens/s")),
      .init(name: "b", seconds: [-1], rate: .init(value: .nan, unit: "x")),
    ]
    report.peakBytes = Array(repeating: Int.max, count: 9) + [-1]
    report.trafficBytes = Int.max
    let text = ReportTable(report).text
    #expect(!text.contains("\u{1B}"))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
  }
}
