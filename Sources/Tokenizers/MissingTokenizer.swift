import Glibc

/// What to do about a model folder without a tokenizer.json, by what it has instead.
enum MissingTokenizer {
  /// The rest of a message that says that the file at `path` cannot be read; empty where something stands there.
  static func remedy(for path: String) -> String {
    var status = stat()
    guard !path.utf8.contains(0), unsafe lstat(path, &status) != 0, errno == ENOENT,
      let slash = path.lastIndex(of: "/")
    else { return "" }
    let folder = path[...slash]
    guard exists(folder) else { return "; check the path of the model's folder" }
    func has(_ name: String) -> Bool { exists(folder + name) }
    let sentencePiece = ["tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "spm.model"].first(where: has)
    if let name = sentencePiece ?? ["tekken.json", "vocab.txt"].first(where: has) {
      return "; the folder has \(name), a tokenizer of a kind that is not read yet, so \(TokenizerFile.tokens)"
    }
    if has("vocab.json"), has("merges.txt") {
      return "; the folder has vocab.json and merges.txt: let transformers make the file of them "
        + "(AutoTokenizer.from_pretrained, then save_pretrained)"
    }
    return "; copy the tokenizer.json of the model's family there, or \(TokenizerFile.tokens)"
  }

  private static func exists(_ path: some StringProtocol) -> Bool {
    var status = stat()
    return unsafe stat(String(path), &status) == 0
  }
}
