internal import Architectures
internal import Artifacts
internal import Checkpoints
internal import Communication
internal import Crypto
internal import Foundation
internal import Safetensors

extension DoctorInputs {
  /// What this rank sees of the document's model and texts: sizes, headers, the ends of large files, all of small ones.
  static func seen(_ document: RunDocument) -> Self {
    var inputs = Self()
    do {
      let model = try Model(path: document.model)
      inputs.modelBytes = model.folder.totalBytes
      let folder = model.folder.path
      for name in ["config.json", "model.safetensors.index.json", "tokenizer.json"] {
        let path = "\(folder)/\(name)"
        if FileManager.default.fileExists(atPath: path) { try inputs.add(path, head: 0) }
      }
      for file in model.folder.files { try inputs.add(file.path, head: file.headerByteCount) }
      for path in texts(document) { try inputs.add(path, head: 0) }
    } catch {
      inputs.problem = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
      inputs.exitCode = ExitCode.code(for: error)
    }
    return inputs
  }

  /// Everything that a run reads, read as it reads it; nil, with the reason noted, where it cannot.
  mutating func read(_ document: RunDocument, needs: Inputs.Needs) -> Inputs? {
    guard problem == nil else { return nil }
    do {
      let inputs = try Inputs(document, needs: needs)
      texts = needs.isEmpty ? "" : inputs.summary
      return inputs
    } catch {
      textProblem = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
      textExitCode = ExitCode.code(for: error)
      return nil
    }
  }

  private mutating func add(_ path: String, head: Int) throws {
    let (bytes, digest) = try DoctorDigest.sample(path, head: head)
    files.append(File(path: path, bytes: bytes, digest: digest))
  }

  /// Every text that the document names, each once.
  private static func texts(_ document: RunDocument) -> [String] {
    let named =
      document.calibration.text + document.selection.texts
      + [document.selection.heldOut, document.evaluation.text]
      .compactMap { $0 } + document.generation.text + document.tuning.text + document.recovery.text
    var seen: Set<String> = []
    return named.filter { seen.insert($0).inserted }
  }

  /// Reads every byte of the files, each on one rank of every host. Collective, in turns of a few seconds, so that no
  /// rank waits long without a sign of the others.
  mutating func readWhole(_ layout: HostLayout, communicator: any Communicator, watch: DoctorWatch) throws {
    var pending = files.indices.filter { $0 % max(1, layout.ranksOnThisHost) == layout.rankOnThisHost }
    if problem != nil { pending = [] }
    let total = pending.reduce(0) { $0 + files[$1].bytes }
    var (hash, offset, done) = (SHA256(), 0, 0)
    repeat {
      watch.begin("reading the model and texts, \(ByteSize(bytes: done).rounded) of \(ByteSize(bytes: total).rounded)")
      let start = ContinuousClock.now
      do {
        while let index = pending.first, start.duration(to: .now).seconds < Self.turn {
          let end = min(files[index].bytes, offset + Self.bytesAtOnce)
          try DoctorDigest.read(files[index].path, offset..<end) { hash.update(data: $0) }
          done += end - offset
          offset = end
          guard end == files[index].bytes else { continue }
          files[index].wholeDigest = hash.finalize().hexadecimal
          (hash, offset) = (SHA256(), 0)
          pending.removeFirst()
        }
      } catch {
        problem = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
        exitCode = ExitCode.code(for: error)
        pending = []
      }
      watch.begin("reading the model and texts on other ranks", isOwn: false)
    } while try communicator.maximum(of: pending.isEmpty ? 0 : 1) > 0
  }

  private static let turn = 4.0
  private static let bytesAtOnce = 64 << 20
}
