import Foundation
import Tensors
import TestSupport
import Testing

/// One holder at a time, whoever died.
@Suite struct FileLockTests {
  private static func holder(host: String, process: Int32) -> String {
    "purpose: prune\nhost: \(host)\nprocess: \(process)\nstarted: 2026-01-02T03:04:05Z\n"
  }

  @Test func aSecondHolderIsToldWhoHasIt() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("run.lock")
    let lock = try FileLock(path: path, purpose: "prune")
    let error = #expect(throws: StorageError.self) { try FileLock(path: path, purpose: "score") }
    #expect(error?.code == .locked)
    let process = ProcessInfo.processInfo.processIdentifier
    let message = try #require(error?.message)
    #expect(message.hasPrefix("\(path) is held by `prune` on "), "\(message)")
    #expect(message.contains(" (process \(process), since 20") && message.hasSuffix("Z)") && !message.contains("\n"))
    lock.release()
    #expect(folder.names.isEmpty)
    let next = try FileLock(path: path, purpose: "score")
    // The first holder's second release is not the second holder's.
    lock.release()
    #expect(folder.names == ["run.lock"])
    next.release(keepingFile: true)
    #expect(folder.names == ["run.lock"])
    _ = try FileLock(path: path, purpose: "tune")
  }

  /// A process that is being started has copies of all descriptors for a while; they hold nothing back.
  @Test(arguments: [true, false]) func copiesOfTheDescriptorHoldNothing(isReleased: Bool) throws {
    let folder = try TemporaryFolder()
    let path = folder.file("run.lock")
    var lock: FileLock? = try FileLock(path: path, purpose: "prune")
    let inode = try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? UInt64
    var copies: [Int32] = []
    defer { for copy in copies { close(copy) } }
    for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
      var status = stat()
      guard let descriptor = Int32(name), unsafe fstat(descriptor, &status) == 0, UInt64(status.st_ino) == inode else {
        continue
      }
      copies.append(dup(descriptor))
    }
    try #require(!copies.isEmpty)
    if isReleased { lock?.release(keepingFile: true) }
    lock = nil
    _ = try FileLock(path: path, purpose: "tune")
  }

  /// What a killed process left is in nobody's way, whatever it says.
  @Test(arguments: [
    "", "purpose: pru", "\u{0}\u{FF}", String(repeating: "x", count: 100_000), holder(host: "elsewhere", process: 1),
    holder(host: "", process: -1),
  ])
  func whatIsLeftBehindIsTaken(text: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(text, to: "run.lock")
    let lock = try FileLock(path: folder.file("run.lock"), purpose: "prune")
    let written = String(decoding: try folder.read("run.lock"), as: UTF8.self)
    #expect(written.hasPrefix("purpose: prune\nhost: ") && written.split(separator: "\n").count == 4)
    lock.release()
  }

  @Test func whatIsNoFileIsRefused() throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("folder")
    try folder.link("link", to: folder.file("elsewhere"))
    for name in ["folder", "link", "none/run.lock"] {
      let error = #expect(throws: StorageError.self) { try FileLock(path: folder.file(name), purpose: "prune") }
      #expect(error?.message.contains(folder.file(name)) == true && error?.code != .locked)
    }
    #expect(folder.names == ["folder", "link"])
  }

  static let mounts = MountTable(
    mountinfo: """
      22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
      30 22 0:40 / /home rw,relatime shared:2 master:1 - nfs4 server:/home rw,vers=4.2,local_lock=none,addr=10.0.0.1
      31 22 0:41 / /old rw shared:3 - nfs server:/old rw,vers=3,nolock,local_lock=all
      32 22 0:42 / /scratch rw,localflock - lustre mds:/scratch rw,localflock
      33 22 0:43 / /fast rw - lustre mds:/fast rw,flock
      34 22 0:44 / /my\\040ssh rw - fuse.sshfs me@host: rw
      35 30 0:45 / /home/tmp rw - tmpfs tmpfs rw
      nonsense
      """)

  @Test(arguments: [
    ("/tmp/run.lock", true), ("/home/a/run.lock", true), ("/homes/run.lock", true), ("/old/run.lock", false),
    ("/scratch/x", false), ("/fast/x", true), ("/my ssh/x", false), ("/home/tmp/x", true), ("relative", true),
  ])
  func mountsThatShareLocks(path: String, shares: Bool) {
    #expect(Self.mounts.sharesLocks(resolved: path) == shares)
    #expect(MountTable(mountinfo: "").sharesLocks(resolved: path))
  }
}
