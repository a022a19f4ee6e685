import Pipeline
import TestSupport
import Testing

/// What control groups allow, from files as the kernel writes them.
@Suite struct ControlGroupTests {
  private func group(_ membership: String, _ files: [String: String]) throws -> (TemporaryFolder, ControlGroup) {
    let folder = try TemporaryFolder()
    for (path, text) in files {
      let names = path.split(separator: "/").dropLast()
      for count in names.indices { _ = try? folder.makeFolder(names[...count].joined(separator: "/")) }
      try folder.write(text, to: path)
    }
    return (folder, ControlGroup(root: folder.path, membership: membership))
  }

  /// Version 2: the quota of a group above binds as well, and the lowest counts.
  @Test(
    arguments: [
      (["a/b/cpu.max": "150000 100000\n"], 1.5), (["a/b/cpu.max": "max 100000\n", "a/cpu.max": "400000 100000\n"], 4),
      (["a/b/cpu.max": "400000 100000\n", "a/cpu.max": "50000 100000\n"], 0.5), (["a/b/cpu.max": "max 100000\n"], nil),
      (["a/b/cpu.max": "nonsense\n"], nil), ([:], nil),
      // In a container, where the group is the top of what is mounted.
      (["cpu.max": "200000 100000\n"], 2),
    ] as [([String: String], Double?)])
  func secondVersion(files: [String: String], processors: Double?) throws {
    let (folder, group) = try group("0::/a/b\n", files)
    #expect(group.processors == processors, "\(folder.path)")
    #expect(group.processorsGroup == "/a/b")
  }

  /// Version 1, by whatever names the hierarchy is mounted.
  @Test(
    arguments: [
      (["cpu,cpuacct/job/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/job/cpu.cfs_period_us": "100000\n"], 2.5),
      (["cpu/job/cpu.cfs_quota_us": "300000\n", "cpu/job/cpu.cfs_period_us": "100000\n"], 3),
      (["cpu/job/cpu.cfs_quota_us": "-1\n", "cpu/job/cpu.cfs_period_us": "100000\n"], nil),
      (["cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"], 1),
      (["cpu/job/cpu.cfs_quota_us": "100000\n"], nil),
    ] as [([String: String], Double?)])
  func firstVersion(files: [String: String], processors: Double?) throws {
    let (folder, group) = try group("4:cpu,cpuacct:/job\n3:memory:/job\n", files)
    #expect(group.processors == processors, "\(folder.path)")
    #expect(group.processorsGroup == "/job")
  }

  /// What the system can take back counts as free; no limit is none, in either version.
  @Test func memory() throws {
    let second = try group(
      "0::/a\n",
      ["a/memory.max": "1000\n", "a/memory.current": "900\n", "a/memory.stat": "anon 1\ninactive_file 300\n"])
    #expect(second.1.availableBytes == 400, "\(second.0.path)")
    let first = try group(
      "3:memory:/a\n",
      ["memory/a/memory.limit_in_bytes": "1000\n", "memory/a/memory.usage_in_bytes": "2000\n"])
    #expect(first.1.availableBytes == 0, "\(first.0.path)")
    let unlimited = try group(
      "3:memory:/a\n0::/a\n",
      [
        "memory/a/memory.limit_in_bytes": "9223372036854771712\n", "memory/a/memory.usage_in_bytes": "20\n",
        "a/memory.max": "max\n", "a/memory.current": "20\n",
      ])
    #expect(unlimited.1.availableBytes == nil, "\(unlimited.0.path)")
  }

  @Test func tasks() throws {
    let (folder, group) = try group("0::/a\n", ["a/pids.max": "20\n", "a/pids.current": "17\n"])
    #expect(group.availableTasks == 3, "\(folder.path)")
  }

  /// A membership that leads elsewhere is none.
  @Test(arguments: ["0::/../..\n", "nonsense\n", ""]) func noMembership(membership: String) throws {
    let (folder, group) = try group(membership, ["cpu.max": "100000 100000\n"])
    #expect(group.processors == nil, "\(folder.path)")
  }
}

/// Threads that a rank takes by itself.
@Suite struct ProcessorShareTests {
  private func share(_ processors: String, quota: Double? = nil, group: String = "/") -> ProcessorShare {
    ProcessorShare(processors: processors, quota: quota, group: group)
  }

  @Test(
    arguments: [
      ("0-7", nil, 1, 8), ("0-7", nil, 3, 2), ("0-7", 2.0, 1, 2), ("0-7", 1.5, 1, 2), ("0-7", 0.2, 1, 1),
      ("0-7", 4.0, 2, 2), ("0-7", 100.0, 1, 8), ("0,4", nil, 4, 1),
    ] as [(String, Double?, Int, Int)])
  func automatic(processors: String, quota: Double?, ranks: Int, threads: Int) {
    let own = share(processors, quota: quota)
    #expect(own.threads(among: Array(repeating: own, count: ranks)) == threads)
  }

  /// Bound ranks have processors of their own, but their group's time is one.
  @Test func boundInOneGroup() {
    let ranks = [share("0-3", quota: 4), share("4-7", quota: 4)]
    #expect(ranks[0].threads(among: ranks) == 2)
    let apart = [share("0-3", quota: 4, group: "/a"), share("4-7", quota: 4, group: "/b")]
    #expect(apart[0].threads(among: apart) == 4)
  }

  @Test func tooManyThreads() throws {
    let own = share("0-1")
    #expect(own.warning(2, among: [own]) == nil)
    #expect(own.warning(3, among: [own])?.hasPrefix("3 threads on 2 processors") == true)
    let limited = share("0-7", quota: 2)
    #expect(limited.warning(4, among: [limited])?.contains("time of 2.0 processors") == true)
    #expect(limited.warning(2, among: [limited]) == nil)
    try own.check(16, isFromDocument: true)
    let error = #expect(throws: (any Error).self) { try own.check(17, isFromDocument: true) }
    #expect("\(try #require(error))".contains("resources.threads: 17 threads on 2 processors"))
    let other = #expect(throws: (any Error).self) { try own.check(1000, isFromDocument: false) }
    #expect("\(try #require(other))".contains("OPENBLAS_NUM_THREADS: 1000 threads"))
  }
}

/// Ranks without work are named before it begins.
@Suite struct IdleRankTests {
  @Test(
    arguments: [
      (2, 3, "2 windows for 3 ranks: rank 2 has none and waits; raise a.key, or start fewer ranks"),
      (1, 4, "1 window for 4 ranks: ranks 1-3 have none and wait; raise a.key, or start fewer ranks"), (3, 3, nil),
      (0, 3, nil), (5, 3, nil),
    ] as [(Int, Int, String?)])
  func warning(count: Int, ranks: Int, line: String?) {
    #expect(IdleRanks.warning("window", count: count, key: "a.key", ranks: ranks) == line)
  }
}
