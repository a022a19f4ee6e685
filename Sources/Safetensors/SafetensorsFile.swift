public import Tensors

/// A safetensors file, mapped and checked.
///
/// Opening reads the header alone; a tensor's pages are read when its bytes are. Everything that the header claims is
/// checked against the file's size, so that no later access can leave it.
public struct SafetensorsFile: Sendable {
  /// The longest header that is read, in bytes: the format's own limit.
  public static let maximumHeaderBytes = 100_000_000

  public let path: String
  /// The header's `__metadata__`, such as `["format": "pt"]`.
  public let metadata: [String: String]
  /// The tensors' names, sorted.
  public let names: [String]
  /// The tensors' names in the order of their bytes in the file.
  public let namesInFileOrder: [String]
  /// Bytes of the header with its length field: where the tensors' bytes begin.
  public let headerByteCount: Int
  /// Bytes of the whole file.
  public var fileByteCount: Int { file.size }

  private let file: MappedFile
  private let tensors: [String: StoredTensor]

  /// Opens the file and checks its header.
  ///
  /// - Throws: ``SafetensorsError`` naming the file, and the tensor and byte offset where there is one.
  public init(path: String) throws(SafetensorsError) {
    let file: MappedFile
    do throws(StorageError) {
      file = try MappedFile(path: path)
    } catch {
      throw SafetensorsError(error)
    }
    let text = try Self.headerText(of: file)
    let headerEnd = 8 + text.count
    let header = try SafetensorsHeader(text, path: path, dataByteCount: file.size - headerEnd)
    var tensors = [String: StoredTensor](minimumCapacity: header.entries.count)
    for entry in header.entries {
      do throws(StorageError) {
        tensors[entry.name] = try StoredTensor(
          name: entry.name, elementType: entry.elementType, shape: entry.shape, file: file,
          byteRange: headerEnd + entry.begin..<headerEnd + entry.end)
      } catch {
        throw SafetensorsError(error)
      }
    }
    self.file = file
    self.path = path
    self.metadata = header.metadata
    self.tensors = tensors
    self.names = tensors.keys.sorted()
    self.namesInFileOrder = header.entries.map(\.name)
    self.headerByteCount = headerEnd
  }

  /// The header's JSON text, once its length has been checked.
  private static func headerText(of file: MappedFile) throws(SafetensorsError) -> [UInt8] {
    guard file.size >= 8 else {
      throw SafetensorsError(
        .truncated, "\(file.path): the file has \(file.size) bytes, not the 8 of a header's length; get it again")
    }
    // Not for a length that can be: it may look like anything.
    func mistaken(_ code: SafetensorsError.Code) -> SafetensorsError? {
      let head = unsafe file.bytes.extracting(first: MistakenFile.headLength).withUnsafeBytes { unsafe [UInt8]($0) }
      return MistakenFile.problem(head).map { SafetensorsError(code, "\(file.path): no safetensors file: \($0)") }
    }
    let length = unsafe UInt64(littleEndian: file.bytes.unsafeLoadUnaligned(as: UInt64.self))
    guard length <= UInt64(maximumHeaderBytes) else {
      throw mistaken(.headerTooLong)
        ?? SafetensorsError(
          .headerTooLong,
          "\(file.path): the header at byte 8 claims \(length) bytes, more than \(maximumHeaderBytes); this is no "
            + "safetensors file, or it is damaged: get it again")
    }
    let headerEnd = 8 + Int(length)
    if length == 0, let error = mistaken(.invalidHeader) { throw error }
    guard headerEnd <= file.size else {
      throw mistaken(.truncated)
        ?? SafetensorsError(
          .truncated,
          "\(file.path): the header at byte 8 claims \(length) bytes, but the file has \(file.size) in all; it is "
            + "truncated, get it again")
    }
    return unsafe file.bytes.extracting(8..<headerEnd).withUnsafeBytes { unsafe [UInt8]($0) }
  }

  /// Whether the file holds a tensor of that name.
  public func contains(_ name: String) -> Bool { tensors[name] != nil }

  /// The tensor of that name; it keeps the file mapped.
  ///
  /// - Throws: ``SafetensorsError`` when there is none.
  public func tensor(_ name: String) throws(SafetensorsError) -> StoredTensor {
    guard let tensor = tensors[name] else {
      throw SafetensorsError(
        .missingTensor,
        "\(path): tensor \(OneLine.quoted(name)) is missing; the file has \(names.count) others"
          + (names.first.map { " (\(OneLine.quoted($0)) …)" } ?? "") + ", so name another file, or rename the tensor")
    }
    return tensor
  }

  /// The file's bytes, for checksums.
  public var bytes: RawSpan {
    @_lifetime(borrow self) get { unsafe _overrideLifetime(file.bytes, borrowing: self) }
  }
}
