import Safetensors

extension TextSource {
  /// The documents of JSON text: lines, lists, or objects one after the other, told apart by what is there.
  func jsonDocuments(
    _ stream: inout TextStream, note: (String) -> Void, _ visit: (TextDocument) throws(CalibrationError) -> Bool
  ) throws(CalibrationError) {
    var cutter = JSONDocumentCutter(path: path, offset: stream.markLength)
    // Halves of surrogate pairs, and the line of the first.
    var (replaced, firstLine) = (0, 0)
    func document(_ value: JSONDocumentCutter.Value) throws(CalibrationError) -> Bool {
      let found = try json(value)
      if replaced == 0 { firstLine = value.line }
      replaced += found.replacedSurrogates
      return try visit(found.document)
    }
    var isWanted = true
    var isEmpty = true
    while isWanted, let chunk = try stream.next() {
      isEmpty = false
      isWanted = try cutter.take(chunk, document)
    }
    guard !isEmpty else { throw nothing }
    if isWanted { try cutter.end(document) }
    if replaced > 0 {
      note(
        "\(path): line \(firstLine): half a surrogate pair stands for no character and was read as U+FFFD, \(replaced) in "
          + "all")
    }
  }

  private func json(_ value: JSONDocumentCutter.Value) throws(CalibrationError) -> JSONDocument {
    let place = value.element.map { "line \(value.line), element \($0)" } ?? "line \(value.line)"
    _ = try decoded(value.bytes[...], offset: value.offset, place: place)
    do {
      return try JSONDocument(value.bytes)
    } catch let failure as JSONScanner.Failure {
      throw CalibrationError(.malformedDocument, "\(path): \(Self.message(failure, in: value))")
    } catch let problem as JSONDocument.ShapeProblem {
      throw CalibrationError(.malformedDocument, "\(path): \(place): \(problem.message)")
    } catch {
      throw CalibrationError(.malformedDocument, "\(path): \(place): \(error)")
    }
  }

  /// What is wrong with a value that is no JSON, and where: the line of the fault, and of the value where it is another.
  private static func message(_ failure: JSONScanner.Failure, in value: JSONDocumentCutter.Value) -> String {
    let before = value.bytes.prefix(failure.offset)
    let lines = before.count { $0 == 0x0A }
    let line = value.line + lines
    let column = (before.lastIndex(of: 0x0A).map { failure.offset - $0 }) ?? value.column + failure.offset
    let begun = lines > 0 ? ", in a document that begins in line \(value.line)" : ""
    let element = value.element.map { ", element \($0)" } ?? ""
    let isCut = failure.offset >= value.bytes.count ? "; is the file complete?" : ""
    return "line \(line)\(element): not JSON: \(failure.message), at column \(column)\(begun)\(isCut)"
  }
}
