import Artifacts
import Foundation
import Testing

/// What runs that choose text, tune gates and recover add to report.json and to the closing table.
@Suite struct TrainingReportTests {
  static func report() -> RunReport {
    var report = RunReport(
      espalierVersion: "0.1.0", model: .init(path: "m", hash: "ab"),
      resources: .init(ranks: 1, hosts: ["a"], threads: 1, backend: "cpu"))
    report.perplexities = [
      .init(name: "dense", value: 21.41), .init(name: "one-shot", value: .infinity),
      .init(name: "gates + LoRA", value: 54.87),
    ]
    report.training = [
      .init(
        stage: "tune", steps: 120, tokens: 61_440, seconds: 412.04, codec: "exact", sentBytes: 31_104_000,
        uncompressedBytes: 35_769_600,
        rounds: [
          .init(
            targetSparsity: 0.2, sparsity: 0.201, steps: 60, loss: 3.25, validationPerplexity: 29.4, isKept: false),
          .init(targetSparsity: 0.4, sparsity: nil, steps: 60, loss: .nan, validationPerplexity: nil, isKept: true),
        ]),
      .init(
        stage: "recover", steps: 80, tokens: 81_920, seconds: 1980, codec: "none", sentBytes: 0, uncompressedBytes: 0,
        rounds: []),
    ]
    report.selection = [
      .init(name: "seed 0", seed: 0, text: "a.txt", divergence: 0.41234, isChosen: false),
      .init(name: "b\u{1B}", seed: .max, text: "b.txt", divergence: 0.3987, isChosen: true),
    ]
    return report
  }

  @Test func tableIsExactlyThis() {
    let expected = """
      step                  perplexity          of dense
      dense                      21.41
      one-shot                infinite
      gates + LoRA               54.87             ×2.56

      candidate             divergence                     seed
      seed 0                    0.4123                     0
      b\u{FFFD}                        0.3987            chosen   18446744073709551615

      training                  tokens           seconds   gradients sent
      tune                      61,440             412.0   31.1 MB, ÷1.15, exact
      recover                   81,920            1980.0   0 B, none

      round                   sparsity        validation   loss
      tune 1                   20.10 %             29.40   3.2500
      tune 2                         –                 –   not a number  kept

      ranks         1 rank on a, 1 thread each, backend cpu

      """
    #expect(ReportTable(Self.report()).text == expected)
  }

  @Test func jsonHasTheseKeys() throws {
    let bytes = try Self.report().json()
    let object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    let training = try #require((object["training"] as? [[String: Any]])?.first)
    #expect(
      Set(training.keys) == [
        "stage", "steps", "tokens", "seconds", "codec", "sent_bytes", "uncompressed_bytes", "rounds",
      ])
    let round = try #require((training["rounds"] as? [[String: Any]])?.first)
    #expect(
      Set(round.keys) == ["target_sparsity", "sparsity", "steps", "loss", "validation_perplexity", "is_kept"])
    let candidate = try #require((object["selection"] as? [[String: Any]])?.last)
    #expect(Set(candidate.keys) == ["name", "seed", "text", "divergence", "is_chosen"])
    #expect(candidate["seed"] as? UInt64 == .max)
    let measured = try #require((object["perplexities"] as? [[String: Any]])?[1])
    #expect(measured["name"] as? String == "one-shot" && measured["value"] as? String == "Infinity")

    let read = try RunReport(json: bytes)
    #expect(read.perplexities == Self.report().perplexities && read.selection == Self.report().selection)
    #expect(read.training?.last == Self.report().training?.last)
    #expect(read.training?.first?.rounds.last?.loss.isNaN == true)
  }

  @Test func generatedText() throws {
    var report = RunReport(
      espalierVersion: "0.1.0", model: .init(path: "m", hash: "ab"),
      resources: .init(ranks: 1, hosts: ["a"], threads: 1, backend: "cpu"))
    report.generated = .init(path: "r/generated.safetensors", sequences: 400, length: 512, prompt: 16)
    let expected = """
      ranks         1 rank on a, 1 thread each, backend cpu
      generated     r/generated.safetensors, 400 sequences of 512 tokens, each from a
                    prompt of 16

      """
    #expect(ReportTable(report).text == expected)
    let bytes = try report.json()
    let object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    let generated = try #require(object["generated"] as? [String: Any])
    #expect(Set(generated.keys) == ["path", "sequences", "length", "prompt"] && generated["length"] as? Int == 512)
    #expect(try RunReport(json: bytes).generated == report.generated)
  }

  /// A report from before there was any of this is still one.
  @Test func olderReportsAreRead() throws {
    var object = try #require(
      try JSONSerialization.jsonObject(with: Data(sampleReport().json())) as? [String: Any])
    #expect(Set(object.keys).isDisjoint(with: ["training", "selection", "perplexities"]))
    object["phases"] = [["name": "load", "seconds_max": 0.5, "seconds_mean": 0.25] as [String: Any]]
    let read = try RunReport(json: [UInt8](JSONSerialization.data(withJSONObject: object)))
    #expect(read.training == nil && read.selection == nil && read.perplexities == nil)
    #expect(read.phases[0].secondsMax == 0.5 && read.phases[0].secondsMin == nil && read.phases[0].seconds == nil)
  }

  @Test func ratioIsOfWhatWasSent() throws {
    let training = try #require(Self.report().training)
    #expect(training[0].compressionRatio == 1.15)
    #expect(training[1].compressionRatio == nil)
  }
}
