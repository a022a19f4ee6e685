import Foundation

/// What the environment asks for, once per process.
private struct Fuzzing {
  static let shared = Fuzzing()

  let target: FuzzTarget
  let files: FuzzFiles

  private init() {
    let environment = ProcessInfo.processInfo.environment
    guard let target = environment["ESPALIER_FUZZ_TARGET"].flatMap(FuzzTarget.init),
      let model = environment["ESPALIER_FUZZ_MODEL"], let files = try? FuzzFiles(model: model)
    else {
      let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
      FileHandle.standardError.write(
        Data("fuzz: set ESPALIER_FUZZ_TARGET to one of \(names), and ESPALIER_FUZZ_MODEL to a model's folder\n".utf8))
      exit(2)
    }
    self.target = target
    self.files = files
    atexit { Fuzzing.shared.files.remove() }
  }
}

/// libFuzzer's entry: an input is read, and refused or not.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  do {
    try Fuzzing.shared.target.read(bytes, files: Fuzzing.shared.files)
  } catch {
    guard FuzzTarget.isExpected(error) else { fatalError("not an error for users: \(type(of: error)): \(error)") }
  }
  return 0
}
