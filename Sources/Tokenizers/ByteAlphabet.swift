/// GPT-2's alphabet: each byte has one printable character, by which byte-level BPE spells it in tokenizer.json.
///
/// Bytes that are printable Latin-1 stand for themselves; the other 68, in order, are U+0100, U+0101, … (so a space is
/// "Ġ", U+0120, and a line feed "Ċ", U+010A). Source: `bytes_to_unicode` of openai/gpt-2, `encoder.py`.
enum ByteAlphabet {
  /// `[byte]`, the UTF-8 of its character: one or two bytes.
  static let characters: [[UInt8]] = scalars.map { Array(String($0).utf8) }

  private static let scalars: [Unicode.Scalar] = {
    var others: UInt32 = 0x100
    return (UInt8.min...UInt8.max).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
      default:
        defer { others += 1 }
        return Unicode.Scalar(others) ?? "?"
      }
    }
  }()

  private static let bytes: [Unicode.Scalar: UInt8] = Dictionary(
    uniqueKeysWithValues: zip(scalars, UInt8.min...UInt8.max))

  /// `text` in the alphabet, as UTF-8.
  static func spelled(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var spelled: [UInt8] = []
    spelled.reserveCapacity(2 * text.count)
    for byte in text { spelled.append(contentsOf: characters[Int(byte)]) }
    return spelled
  }

  /// The bytes a token stands for; a token with a character outside the alphabet, as many added ones, stands for itself.
  static func unspelled(_ token: [UInt8]) -> [UInt8] {
    var unspelled: [UInt8] = []
    unspelled.reserveCapacity(token.count)
    for scalar in String(decoding: token, as: UTF8.self).unicodeScalars {
      guard let byte = bytes[scalar] else { return token }
      unspelled.append(byte)
    }
    return unspelled
  }
}
