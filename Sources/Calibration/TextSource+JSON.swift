import Foundation

/// A JSON document; unknown fields are ignored.
struct JSONDocument: Decodable {
  let text: String?
  let instruction: String?
  let input: String?
  let output: String?

  static let expectation = "expected an object with the string text, or the strings instruction and output"

  /// The document, nil if the object has not the fields for one.
  ///
  /// An instruction is put into words by the prompts of Stanford Alpaca (tatsu-lab/stanford_alpaca, `train.py`), which
  /// put the output right behind "### Response:".
  var document: TextDocument? {
    if let text { return .text(text) }
    guard let instruction, let output else { return nil }
    if let input, !input.isEmpty {
      let prompt =
        "Below is an instruction that describes a task, paired with an input that provides further context. "
        + "Write a response that appropriately completes the request.\n\n"
        + "### Instruction:\n\(instruction)\n\n### Input:\n\(input)\n\n### Response:"
      return .instruction(prompt: prompt, output: output)
    }
    let prompt =
      "Below is an instruction that describes a task. "
      + "Write a response that appropriately completes the request.\n\n"
      + "### Instruction:\n\(instruction)\n\n### Response:"
    return .instruction(prompt: prompt, output: output)
  }
}

extension TextSource {
  /// The documents of a JSON array.
  func jsonArray(
    _ stream: inout ByteStream, _ visit: (TextDocument) throws(CalibrationError) -> Bool
  ) throws(CalibrationError) {
    var bytes: [UInt8] = []
    while let more = try stream.next() { try append(more, to: &bytes) }
    guard !bytes.isEmpty else { throw CalibrationError(.empty, "\(path): the file is empty; give a file with text") }
    _ = try decoded(bytes[...], offset: 0)
    let documents: [JSONDocument]
    do {
      documents = try JSONDecoder().decode([JSONDocument].self, from: Data(bytes))
    } catch {
      throw malformed(Self.arrayPlace(of: error))
    }
    guard !documents.isEmpty else {
      throw CalibrationError(.empty, "\(path): the array is empty; give a file with text")
    }
    for (index, document) in documents.enumerated() {
      guard let document = document.document else { throw malformed("element \(index)") }
      guard try visit(document) else { return }
    }
  }

  /// The documents of JSON lines; empty lines are passed over.
  func jsonLines(
    _ stream: inout ByteStream, _ visit: (TextDocument) throws(CalibrationError) -> Bool
  ) throws(CalibrationError) {
    var line: [UInt8] = []
    var number = 1
    var offset = 0
    var isEmpty = true
    func finish() throws(CalibrationError) -> Bool {
      defer {
        offset += line.count + 1
        number += 1
        line.removeAll(keepingCapacity: line.count < 1 << 20)
      }
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return true }
      isEmpty = false
      _ = try decoded(line[...], offset: offset)
      guard let document = try? JSONDecoder().decode(JSONDocument.self, from: Data(line)).document else {
        throw malformed("line \(number)")
      }
      return try visit(document)
    }
    while let chunk = try stream.next() {
      var rest = chunk[...]
      while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        try append(rest[..<end], to: &line)
        rest = rest[(end + 1)...]
        guard try finish() else { return }
      }
      try append(rest, to: &line)
    }
    if !line.isEmpty, !(try finish()) { return }
    guard !isEmpty else { throw CalibrationError(.empty, "\(path): no document in the file; give a file with text") }
  }

  private func malformed(_ place: String) -> CalibrationError {
    CalibrationError(.malformedDocument, "\(path): \(place): \(JSONDocument.expectation)")
  }

  /// Where in the array decoding failed, as far as Foundation says.
  private static func arrayPlace(of error: any Error) -> String {
    let path: [any CodingKey]
    switch error as? DecodingError {
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context):
      path = context.codingPath
    default: return "not a JSON array"
    }
    return path.first?.intValue.map { "element \($0)" } ?? "not a JSON array"
  }
}
