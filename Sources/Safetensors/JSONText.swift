/// Writing JSON text.
package enum JSONText {
  /// Appends `string` in quotation marks; only what JSON demands is escaped, so that other scripts stay readable.
  package static func append(_ string: String, to text: inout [UInt8]) {
    text.append(0x22)
    for byte in string.utf8 {
      switch byte {
      case 0x22, 0x5C: text += [0x5C, byte]
      case 0x08: text += "\\b".utf8
      case 0x0C: text += "\\f".utf8
      case 0x0A: text += "\\n".utf8
      case 0x0D: text += "\\r".utf8
      case 0x09: text += "\\t".utf8
      case 0..<0x20:
        let digits = String(byte, radix: 16)
        text += ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8
      default: text.append(byte)
      }
    }
    text.append(0x22)
  }
}
