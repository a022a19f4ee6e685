import Glibc

/// Symbolic links that lead nowhere, as those of a Hugging Face cache that was copied without what they lead to.
package enum BrokenLink {
  /// What is wrong with the link at `path`, and what to do; nil where there is no symbolic link, or it leads somewhere.
  package static func problem(at path: String) -> String? {
    guard !path.isEmpty, !path.utf8.contains(0), let target = target(of: path) else { return nil }
    var status = stat()
    guard unsafe stat(path, &status) != 0, [ENOENT, ENOTDIR, ELOOP].contains(errno) else { return nil }
    return
      "it is a symbolic link to \(target), which leads nowhere; copy the files that links lead to as well (cp -rL), "
      + "or download the model again"
  }

  private static func target(of path: String) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe readlink(path, &buffer, buffer.count)
    guard count >= 0 else { return nil }
    return OneLine.text(String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }
}
