/// Formats that hold text, or pack it, and are not read: what they are called, and what makes of them a file that is.
enum ForeignFormat {
  /// What to do with the file at `path`, whose name ends in `ending` (lowercase, without the dot); nil for an ending that
  /// says nothing.
  static func advice(ending: String, path: String) -> String? {
    switch ending {
    case "parquet", "pq": columns("Parquet", datasets: "Dataset.from_parquet", path)
    case "arrow": columns("Arrow", datasets: "Dataset.from_file", path)
    case "feather": columns("Feather", pandas: "read_feather", path)
    case "csv": columns("CSV", pandas: "read_csv", path)
    case "tsv", "tab": columns("TSV", pandas: "read_csv", options: ", sep='\\t'", path)
    case "xls", "xlsx": columns("Excel", pandas: "read_excel", path)
    case "xz", "lzma": packed("xz", "xz -dk", path)
    case "bz2", "bzip2": packed("bzip2", "bzip2 -dk", path)
    case "lz4": packed("lz4", "lz4 -dk", path)
    case "zip": packed("zip", "unzip", path)
    case "7z": packed("7-Zip", "7z x", path)
    case "tar", "tgz", "tbz2", "txz": packed("tar", "tar -xf", path)
    case "zstd", "gzip":
      "\(path): compression is known by the endings .gz and .zst; rename it, such as to "
        + name(path, ending == "zstd" ? ".zst" : ".gz")
    case "ndjson", "jsonlines", "ldjson":
      "\(path): JSON lines are known by the ending .jsonl; rename it to \(name(path, ".jsonl"))"
    case "pdf": "\(path): PDF is not read; `pdftotext \(quoted(path)) '\(name(path, ".txt"))'` makes text of it"
    case "doc", "docx", "odt", "rtf", "epub", "html", "htm":
      "\(path): .\(ending) is not read; `pandoc \(quoted(path)) -t plain -o '\(name(path, ".txt"))'` makes text of it"
    default: nil
    }
  }

  /// What to do with the file at `path`, whose bytes begin so; nil where they may be text.
  static func advice(beginning: ArraySlice<UInt8>, path: String) -> String? {
    let known: [(bytes: [UInt8], ending: String)] = [
      (Array("PAR1".utf8), "parquet"), (Array("ARROW1\0\0".utf8), "feather"), ([0xFF, 0xFF, 0xFF, 0xFF], "arrow"),
      ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "xz"), (Array("BZh91AY&SY".utf8), "bz2"), ([0x04, 0x22, 0x4D, 0x18], "lz4"),
      ([0x50, 0x4B, 3, 4], "zip"), ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "7z"), (Array("%PDF-".utf8), "pdf"),
    ]
    if let found = known.first(where: { beginning.starts(with: $0.bytes) }) {
      return advice(ending: found.ending, path: path)
    }
    guard beginning.starts(with: "version https://git-lfs.github.com/spec/".utf8) else { return nil }
    return "\(path): this is Git LFS's pointer to the file, not the file; run `git lfs pull` in its repository"
  }

  /// A table, of which Python's packages make JSON lines.
  private static func columns(
    _ format: String, datasets: String? = nil, pandas: String = "", options: String = "", _ path: String
  ) -> String {
    let (file, lines) = (isPlain(path) ? path : "FILE", name(path, ".jsonl"))
    let python =
      if let datasets {
        "import datasets; datasets.\(datasets)('\(file)').to_json('\(lines)')"
      } else {
        "import pandas; pandas.\(pandas)('\(file)'\(options)).to_json('\(lines)', orient='records', lines=True)"
      }
    return "\(path): \(format) is not read; `python -c \"\(python)\"` makes JSON lines of it, whose text has to be "
      + "called text"
  }

  private static func packed(_ format: String, _ command: String, _ path: String) -> String {
    "\(path): \(format) is not read; unpack it first: `\(command) \(quoted(path))`"
  }

  /// The file's name without its folder, with another ending.
  private static func name(_ path: String, _ ending: String) -> String {
    guard isPlain(path), let name = path.split(separator: "/").last else { return "NEW" + ending }
    return (name.lastIndex(of: ".").map { name[..<$0] } ?? name) + ending
  }

  private static func quoted(_ path: String) -> String { isPlain(path) ? "'\(path)'" : "FILE" }

  /// Whether a shell and Python take the path as it is between their quotation marks.
  private static func isPlain(_ path: String) -> Bool {
    !path.unicodeScalars.contains { "'\"\\`$!".unicodeScalars.contains($0) || $0.value < 0x20 || $0.value == 0x7F }
  }
}
