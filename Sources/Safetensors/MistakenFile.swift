/// Files that are whole, but not what their name promises. Getting them again the same way gives the same file, so a
/// message has to say what they are.
package enum MistakenFile {
  /// How many bytes of a file are looked at.
  package static let headLength = 512

  /// What the beginning of a file shows it to be, and what to do; nil where it shows nothing known.
  package static func problem(_ file: some Collection<UInt8>) -> String? {
    let head = [UInt8](file.prefix(headLength))
    func begins(_ bytes: [UInt8]) -> Bool { head.starts(with: bytes) }
    if head.isEmpty { return "the file is empty; get it again" }
    if begins([UInt8]("version https://git-lfs".utf8)) {
      return
        "this is a Git LFS pointer, not the file that it stands for; run `git lfs pull` in its folder, or download it"
    }
    let text = String(decoding: head, as: UTF8.self).drop(while: \.isWhitespace).lowercased()
    if ["<!doctype", "<html", "<?xml"].contains(where: text.hasPrefix) {
      return "this is a web page, not the file; download the file itself"
    }
    if begins([0xEF, 0xBB, 0xBF]) {
      return "it begins with a byte-order mark, which JSON has no place for; save it as UTF-8 without one"
    }
    if begins([0xFF, 0xFE]) || begins([0xFE, 0xFF]) { return "it is UTF-16; save it as UTF-8" }
    if begins([0x1F, 0x8B]) { return "it is compressed with gzip; unpack it" }
    if begins([UInt8]("GGUF".utf8)) { return "this is a GGUF file; give the model's Hugging Face folder" }
    if begins([0x50, 0x4B, 0x03, 0x04]) || head.count > 1 && head[0] == 0x80 && (2...5).contains(head[1]) {
      return
        "this is a zip archive or a pickle, as PyTorch writes them; convert the weights to safetensors, for example "
        + "with save_pretrained of transformers"
    }
    if head.count >= 64, head.allSatisfy({ $0 == 0 }) {
      return "it begins with zeros, as what a download or a copy that did not end leaves; get it again"
    }
    return nil
  }
}
