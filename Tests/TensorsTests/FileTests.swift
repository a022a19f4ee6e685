import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct FileTests {
  @Test func aFileAndALinkToItAreMapped() throws {
    let folder = try TemporaryFolder()
    try folder.write([1, 2, 3], to: "blob")
    try folder.link("link", to: "blob")
    let file = try MappedFile(path: folder.file("link"))
    #expect(file.size == 3)
    #expect(unsafe file.bytes.withUnsafeBytes { unsafe [UInt8]($0) } == [1, 2, 3])
    try folder.write("", to: "empty")
    let empty = try MappedFile(path: folder.file("empty"))
    #expect(empty.bytes.byteCount == 0)
  }

  @Test func whatIsNoRegularFileIsRefused() throws {
    let folder = try TemporaryFolder()
    let pipe = folder.file("pipe")
    #expect(unsafe mkfifo(pipe, 0o600) == 0)
    for (path, code, part) in [
      (pipe, StorageError.Code.notARegularFile, "a pipe"), (folder.path, .notARegularFile, "a directory"),
      ("/dev/null", .notARegularFile, "a device"), (folder.file("none"), .notFound, "No such file"),
      ("", .notFound, "No such file"), ("a\0b", .notFound, "NUL"),
    ] {
      #expect {
        try MappedFile(path: path)
      } throws: { error in
        (error as? StorageError)?.code == code && "\(error)".contains(part) && !"\(error)".contains("\n")
      }
    }
  }

  @Test func aFileGetsItsNameOnlyWhenItIsComplete() throws {
    let folder = try TemporaryFolder()
    do {
      var file = try DurableFile(path: folder.file("plan.json"))
      try file.append([1, 2])
      #expect(folder.names.count == 1)
      #expect(folder.names.allSatisfy(DurableFile.isTemporaryName))
      try file.append([3])
      try file.commit()
      #expect(file.byteCount == 3)
    }
    #expect(folder.names == ["plan.json"])
    #expect(try folder.read("plan.json") == [1, 2, 3])
    try DurableFile.write([9], to: folder.file("plan.json"))
    #expect(try folder.read("plan.json") == [9])
  }

  @Test func anUncommittedFileLeavesNothing() throws {
    let folder = try TemporaryFolder()
    try folder.write([5], to: "kept")
    do {
      var file = try DurableFile(path: folder.file("kept"))
      try file.append([1, 2])
    }
    #expect(folder.names == ["kept"])
    #expect(try folder.read("kept") == [5])
  }

  @Test func aCommittedFileTakesNoMore() throws {
    let folder = try TemporaryFolder()
    #expect {
      var file = try DurableFile(path: folder.file("a"))
      try file.commit()
      try file.append([1])
    } throws: { error in
      (error as? StorageError)?.code == .closed && "\(error)".contains(folder.file("a"))
    }
  }

  @Test func whatCannotBeWrittenIsSaid() throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("inner")
    for (path, code) in [
      (folder.file("none/a"), StorageError.Code.notFound), (folder.file("inner"), .notARegularFile),
      ("/dev/null", .notARegularFile), (folder.path + "/", .notARegularFile), ("", .notARegularFile),
      (folder.file(String(repeating: "n", count: 300)), .inputOutput),
    ] {
      #expect {
        try DurableFile.write([1], to: path)
      } throws: { error in
        (error as? StorageError)?.code == code && "\(error)".hasPrefix("cannot") && "\(error)".contains(" \(path): ")
      }
    }
    #expect(folder.names == ["inner"])
  }

  @Test func temporaryNamesAreKnown() {
    #expect(DurableFile.isTemporaryName(".model.safetensors.partial-1234-1"))
    #expect(!DurableFile.isTemporaryName("model.safetensors"))
    #expect(!DurableFile.isTemporaryName(".notes.partial-list"))
  }

  @Test func aFullDiskIsAnErrorNamingPathAndReason() throws {
    let full = StorageError(.noSpace, "a\nb")
    #expect(full.description == "a\\u{a}b")
    let folder = try TemporaryFolder()
    // More than any file system has or can address.
    #expect {
      try SpillFile(folder: folder.path, byteCount: 1 << 62)
    } throws: { error in
      let code = (error as? StorageError)?.code
      return (code == .noSpace || code == .inputOutput) && "\(error)".contains(folder.path)
    }
    #expect(folder.names == [])
  }

  @Test func aSpillFileKeepsFloats() throws {
    let folder = try TemporaryFolder()
    let spill = try SpillFile(folder: folder.path, byteCount: 400)
    #expect(folder.names == [])
    #expect(spill.floatCount == 100)
    let values = (0..<50).map(Float.init)
    try spill.write(values.span, at: 50)
    var back = [Float](repeating: -1, count: 52)
    var span = back.mutableSpan
    try spill.read(at: 48, into: &span)
    #expect(back == [0, 0] + values)
    for offset in [-1, 51, 101, Int.max] {
      #expect {
        try spill.write(values.span, at: offset)
      } throws: { error in
        (error as? StorageError)?.code == .outOfBounds
      }
    }
    #expect(throws: StorageError.self) { try SpillFile(folder: folder.file("none"), byteCount: 8) }
    #expect(throws: StorageError.self) { try SpillFile(folder: folder.path, byteCount: 7) }
    #expect(throws: StorageError.self) { try SpillFile(folder: folder.path, byteCount: -4) }
    #expect(try SpillFile(folder: folder.path, byteCount: 0).floatCount == 0)
  }
}
