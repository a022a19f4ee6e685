import Pipeline
import Testing

/// What the doctor makes of facts.
@Suite struct DoctorCheckTests {
  /// Two hosts with two ranks each, on which all is well.
  static var sound: [DoctorFacts] {
    (0..<4).map { rank in
      var facts = DoctorFacts(rank: rank, host: rank < 2 ? "h1" : "h2")
      facts.version = "1"
      facts.program = "abc"
      facts.messageLibrary = "Open MPI v4"
      facts.promises = ["OMPI_COMM_WORLD_SIZE": 4]
      facts.processors = rank.isMultiple(of: 2) ? [0, 1] : [2, 3]
      facts.hostProcessors = 4
      facts.threads = 2
      facts.processor = "EPYC"
      facts.backend = "cpu (OpenBLAS SkylakeX, float32)"
      facts.hasAVX512 = true
      facts.productRate = 1e11
      facts.sharedMemoryBytes = 1_000_000_000
      facts.memoryBytes = 16_000_000_000
      facts.availableBytes = 8_000_000_000
      facts.places = ["output", "temporary folder"].map {
        DoctorPlace(role: $0, path: "/scratch", freeBytes: 50_000_000_000, isWritable: true)
      }
      var inputs = DoctorInputs()
      inputs.modelBytes = 16_000_000_000
      inputs.files = ["config.json", "model.safetensors"].map {
        DoctorInputs.File(path: "m/\($0)", bytes: 100, digest: "aa")
      }
      facts.inputs = inputs
      return facts
    }
  }

  static let links = [DoctorLink(from: "h1", to: "h2", latency: 1e-4, bandwidth: 1e8)]

  static func checks(_ facts: [DoctorFacts], links: [DoctorLink] = links) -> [DoctorCheck] {
    DoctorChecks(facts, links: links).all
  }

  @Test func soundHostsPass() {
    let checks = Self.checks(Self.sound)
    #expect(checks.allSatisfy { $0.state == .ok && $0.advice == nil && $0.exitCode == 0 }, "\(checks)")
    #expect(
      checks.map(\.name) == [
        "ranks", "versions", "model", "output", "temporary folder", "binding", "speed", "processors", "OpenBLAS",
        "memory", "shared memory", "network", "clock",
      ])
    #expect(checks[0].finding == "4 ranks on 2 hosts, as OMPI_COMM_WORLD_SIZE promised")
    #expect(checks.contains { $0.finding.contains("0.80 Gb/s") })
  }

  /// One thing wrong, the check that tells of it, how grave it is, and words of what it says.
  struct Wrong: Sendable, CustomTestStringConvertible {
    let check: String
    let state: DoctorCheck.State
    let exitCode: Int32
    let words: [String]
    let change: @Sendable (inout [DoctorFacts]) -> Void
    var testDescription: String { "\(check): \(words[0])" }

    init(
      _ check: String, _ state: DoctorCheck.State, _ exitCode: Int32, _ words: [String],
      change: @escaping @Sendable (inout [DoctorFacts]) -> Void
    ) {
      (self.check, self.state, self.exitCode, self.words, self.change) = (check, state, exitCode, words, change)
    }
  }

  static let wrong = [
    Wrong("ranks", .warning, 0, ["SLURM_NTASKS promises 8", "-np"]) { $0[0].promises["SLURM_NTASKS"] = 8 },
    Wrong("ranks", .failure, 69, ["promises 4 ranks, but this one sees no other", "mpirun"]) { $0 = [$0[0]] },
    Wrong("versions", .failure, 69, ["1 (abc) on ranks 0, 2-3, 1 (def) on rank 1", "one build"]) {
      $0[1].program = "def"
    },
    Wrong("versions", .failure, 69, ["Open MPI v5 on ranks 2-3"]) { facts in
      for rank in 2..<4 { facts[rank].messageLibrary = "Open MPI v5" }
    },
    Wrong("model", .failure, 66, ["ranks 2-3 (h2): no such folder", "disk that all hosts share"]) { facts in
      for rank in 2..<4 {
        facts[rank].inputs?.problem = "no such folder"
        facts[rank].inputs?.exitCode = 66
      }
    },
    Wrong("model", .failure, 65, ["damaged", "repair it"]) { facts in
      for rank in 0..<4 {
        facts[rank].inputs?.problem = "damaged"
        facts[rank].inputs?.exitCode = 65
      }
    },
    Wrong("model", .failure, 69, ["m/model.safetensors differs", "99 bytes", "on rank 3", "copy the same"]) {
      $0[3].inputs?.files[1].bytes = 99
    },
    Wrong("model", .failure, 69, ["m/config.json differs", "SHA-256 bb…"]) { $0[1].inputs?.files[0].digest = "bb" },
    Wrong("model", .failure, 69, ["m/model.safetensors differs: SHA-256 11… on rank 0, SHA-256 22… on rank 2"]) {
      $0[0].inputs?.files[1].wholeDigest = "11"
      $0[2].inputs?.files[1].wholeDigest = "22"
    },
    Wrong("model", .failure, 69, ["m/model.safetensors differs", "another file"]) { $0[2].inputs?.files.removeLast() },
    Wrong("output", .failure, 73, ["/scratch cannot be written by rank 2 on h2"]) {
      $0[2].places[0].isWritable = false
    },
    Wrong("output", .failure, 73, ["not the folder that rank 0 writes to on ranks 2-3 (h2)", "share"]) { facts in
      for rank in 2..<4 { facts[rank].places[0].isShared = false }
    },
    Wrong("output", .warning, 0, ["2.0 GB free", "h2", "16.0 GB may be written"]) {
      $0[3].places[0].freeBytes = 2_000_000_000
    },
    Wrong("temporary folder", .warning, 0, ["5 B free", "make room"]) { $0[0].places[1].freeBytes = 5 },
    Wrong("binding", .warning, 0, ["h2: 2 ranks with 8 threads in all may use 4 processors"]) { facts in
      for rank in 2..<4 { facts[rank].threads = 4 }
    },
    Wrong("binding", .warning, 0, ["h1: 2 ranks with 4 threads in all may use 4 of 64 processors", "--map-by"]) {
      $0[0].hostProcessors = 64
    },
    Wrong("binding", .warning, 0, ["the time of 2.0 processors"]) { $0[0].quota = 2 },
    Wrong("binding", .warning, 0, ["share processors of 2 memory domains"]) { facts in
      for rank in 0..<4 { (facts[rank].processors, facts[rank].memoryDomains) = ([0, 1, 2, 3], 2) }
    },
    Wrong("speed", .warning, 0, ["rank 3 on h2 (70.0 GFLOP/s, 70 %)", "slowest"]) { $0[3].productRate = 7e10 },
    Wrong("processors", .warning, 0, ["EPYC on ranks 0-1, Xeon on ranks 2-3", "OPENBLAS_CORETYPE=Haswell"]) { facts in
      for rank in 2..<4 { facts[rank].processor = "Xeon" }
    },
    Wrong("OpenBLAS", .warning, 0, ["Zen on rank 1", "-x"]) { $0[1].coreType = "Zen" },
    Wrong("OpenBLAS", .warning, 0, ["kernels for Haswell", "unset OPENBLAS_CORETYPE"]) { facts in
      for rank in 0..<4 {
        (facts[rank].coreType, facts[rank].backend) = ("Haswell", "cpu (OpenBLAS Haswell, float32)")
      }
    },
    Wrong("memory", .warning, 0, ["500.0 MB available to a rank on h2", "espalier estimate"]) {
      $0[2].availableBytes = 1_000_000_000
    },
    Wrong("shared memory", .warning, 0, ["10.0 MB free in /dev/shm on h2", "16.8 MB", "--shm-size", "btl ^vader"]) {
      $0[3].sharedMemoryBytes = 10_000_000
    },
    Wrong("shared memory", .warning, 0, ["h1 has no /dev/shm", "btl ^vader"]) { facts in
      for rank in 0..<2 { facts[rank].sharedMemoryBytes = nil }
    },
    Wrong(
      "shared memory", .warning, 0, ["rank 2 on h2 may not read", "btl_vader_single_copy_mechanism none"]
    ) { $0[2].neighborProblem = "Operation not permitted" },
    Wrong("launcher", .warning, 0, ["PMIX_RANK in the environment", "env -u PMIX_RANK"]) { facts in
      facts = [facts[0]]
      (facts[0].promises, facts[0].strayVariables) = ([:], ["PMIX_RANK"])
    },
    Wrong("texts", .failure, 65, ["ranks 1-2 (h1): v.txt: too short", "give more text"]) { facts in
      for rank in 1..<3 {
        facts[rank].inputs?.textProblem = "v.txt: too short; give more text"
        facts[rank].inputs?.textExitCode = 65
      }
    },
    Wrong("clock", .warning, 0, ["h2 is 7.00 s off", "chrony"]) { $0[3].clockOffset = -7 },
  ]

  @Test(arguments: wrong) func isNamed(wrong: Wrong) throws {
    var facts = Self.sound
    wrong.change(&facts)
    let checks = Self.checks(facts)
    let check = try #require(checks.first { $0.name == wrong.check })
    #expect(check.state == wrong.state && check.exitCode == wrong.exitCode)
    for words in wrong.words { #expect("\(check.finding); \(check.advice ?? "")".contains(words), "\(check)") }
    #expect(checks.allSatisfy { $0.name == wrong.check || $0.state != .failure }, "\(checks)")
  }

  /// Mixed processors are fine where all ranks were given the same kernels.
  @Test func mixedProcessorsWithOneCoreType() throws {
    var facts = Self.sound
    for rank in 0..<4 {
      facts[rank].coreType = "Haswell"
      facts[rank].processor = rank < 2 ? "EPYC" : "Xeon"
    }
    #expect(Self.checks(facts).allSatisfy { $0.state == .ok })
  }

  @Test func slowLink() throws {
    let names = ["h1", "h2", "h3"]
    let links = zip(names, names.dropFirst() + ["h1"]).map { from, to in
      DoctorLink(from: from, to: to, latency: 1e-4, bandwidth: from == "h2" ? 1e7 : 1e9)
    }
    let check = try #require(Self.checks(Self.sound, links: links).first { $0.name == "network" })
    #expect(check.state == .warning && check.finding.contains("0.08 Gb/s at least (h2 to h3)"))
    #expect(Self.checks(Self.sound, links: []).contains { $0.name == "network" } == false)
  }

  /// Every pair of few hosts, a ring of many, and no host twice at a time.
  @Test(arguments: [1, 2, 3, 4, 7, 8, 9, 16]) func roundsOfLinks(hosts: Int) {
    let rounds = DoctorLinks.rounds(hosts: hosts)
    let pairs = rounds.flatMap { $0 }.map { [min($0.0, $0.1), max($0.0, $0.1)] }
    #expect(Set(pairs).count == pairs.count)
    #expect(pairs.count == (hosts > 8 ? hosts : hosts * (hosts - 1) / 2))
    #expect(Set(pairs.flatMap { $0 }) == Set(hosts > 1 ? 0..<hosts : 0..<0))
    for round in rounds {
      let busy = round.flatMap { [$0.0, $0.1] }
      #expect(Set(busy).count == busy.count && busy.allSatisfy { (0..<hosts).contains($0) })
    }
    #expect(rounds.count <= (hosts > 8 ? 3 : hosts))
  }

  @Test(arguments: [("0-3,8", [0, 1, 2, 3, 8]), ("5", [5]), ("", []), ("3-1,x,0-9999999", [])])
  func processorLists(list: String, numbers: [Int]) {
    #expect(DoctorFacts.numbers(list) == numbers)
  }
}
