import Foundation
import FoundationXML
import Testing

/// A page read by a parser of XML, which refuses what is not well-formed.
final class ParsedPage: NSObject, XMLParserDelegate {
  struct Element {
    let name: String
    let attributes: [String: String]
    var text = ""
  }

  /// In the page's order.
  private(set) var elements: [Element] = []
  private var open: [Int] = []

  init(_ html: String) throws {
    super.init()
    let parser = XMLParser(data: Data(html.utf8))
    parser.delegate = self
    let isWellFormed = parser.parse()
    try #require(
      isWellFormed,
      "line \(parser.lineNumber), column \(parser.columnNumber): \(String(describing: parser.parserError))")
  }

  /// Elements of this name, in the page's order.
  func elements(_ name: String) -> [Element] { elements.filter { $0.name == name } }

  /// The text directly inside the elements of this name.
  func texts(_ name: String) -> [String] { elements(name).map(\.text) }

  /// The values of an attribute, wherever it stands.
  func attributes(_ name: String) -> [String] { elements.compactMap { $0.attributes[name] } }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    open.append(elements.count)
    elements.append(Element(name: name, attributes: attributes))
  }

  func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
    open.removeLast()
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    if let last = open.last { elements[last].text += text }
  }
}
