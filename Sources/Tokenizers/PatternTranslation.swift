/// Rewrites an Oniguruma pattern (Ruby syntax, which Hugging Face's `tokenizers` uses) for PCRE2.
///
/// Where the two agree, the text passes through. Where they spell the same thing differently, it is rewritten:
/// `\s` is Unicode's White_Space (PCRE2 adds U+180E), `\w` is Alphabetic, marks, decimal digits and connectors (PCRE2 has
/// letters, numbers and `_`), `\h` is a hexadecimal digit, `\v` one control character, `\uHHHH` a scalar, `{,n}` starts at
/// zero, `(?m)` is PCRE2's `(?s)`, and `\p{Han}` is a script without its extensions. What would mean something else and
/// has no such rewriting (nested classes, `&&`, `{n,m}+`, `\b`, …) is refused rather than matched differently.
struct PatternTranslation {
  /// What stands in the way of translating a pattern.
  struct Failure: Error { let construct: String }

  private static let generalCategories: Set<String> = [
    "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi",
    "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Cn", "Co", "Any",
  ]
  private static let longCategories = [
    "Letter": "L", "Mark": "M", "Number": "N", "Punctuation": "P", "Symbol": "S", "Separator": "Z", "Other": "C",
  ]
  private static let wordMembers = #"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}"#

  private let scalars: [Unicode.Scalar]
  private var position = 0
  private var result = ""

  static func pcre2(_ pattern: String) throws(Failure) -> String {
    var translation = PatternTranslation(scalars: Array(pattern.unicodeScalars))
    while translation.position < translation.scalars.count { try translation.element() }
    return translation.result
  }

  private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

  private func peek(_ offset: Int = 0) -> Unicode.Scalar? {
    position + offset < scalars.count ? scalars[position + offset] : nil
  }

  private mutating func element() throws(Failure) {
    let scalar = scalars[position]
    position += 1
    switch scalar {
    case "\\": try escape(inClass: false)
    case "[": try characterClass()
    case "(": try group()
    case "{": try interval()
    default: result.unicodeScalars.append(scalar)
    }
  }

  private mutating func group() throws(Failure) {
    result += "("
    if peek() == "*" { throw Failure(construct: "(*") }
    guard peek() == "?" else { return }
    position += 1
    for prefix in [":", "=", "!", ">", "<=", "<!"] where scalars[position...].starts(with: prefix.unicodeScalars) {
      position += prefix.unicodeScalars.count
      result += "?" + prefix
      return
    }
    let isAtStart = result == "("
    var flags = ""
    while let flag = peek(), flag == "i" || flag == "m" || flag == "-" {
      flags.unicodeScalars.append(flag == "m" ? "s" : flag)
      position += 1
    }
    // Ruby's bare (?i) opens a group that ends with the enclosing one: PCRE2 agrees only at a pattern's start.
    guard peek() == ":" || (peek() == ")" && isAtStart), !flags.isEmpty else {
      throw Failure(construct: "(?\(flags)\(peek().map(String.init) ?? "")")
    }
    result += "?" + flags
  }

  /// After a `{`: an interval where it has the form of one, a literal brace otherwise, as both libraries have it.
  private mutating func interval() throws(Failure) {
    var end = position
    var body = ""
    while end < scalars.count, scalars[end] == "," || ("0"..."9").contains(scalars[end]) {
      body.unicodeScalars.append(scalars[end])
      end += 1
    }
    guard end < scalars.count, scalars[end] == "}", body.contains(where: \.isNumber),
      body.filter({ $0 == "," }).count <= 1
    else {
      result += "{"
      return
    }
    position = end + 1
    // Ruby reads a following + as another repetition, and a ? after a fixed count as an option.
    if peek() == "+" || (peek() == "?" && !body.contains(",")) {
      throw Failure(construct: "{\(body)}\(peek().map(String.init) ?? "")")
    }
    result += body.hasPrefix(",") ? "{0\(body)}" : "{\(body)}"
  }

  private mutating func characterClass() throws(Failure) {
    result += "["
    if peek() == "^" {
      result += "^"
      position += 1
    }
    var isFirst = true
    while let scalar = peek() {
      position += 1
      switch scalar {
      case "]" where !isFirst:
        result += "]"
        return
      case "\\": try escape(inClass: true)
      case "[": throw Failure(construct: "a class within a class")
      case "&" where peek() == "&": throw Failure(construct: "&& in a class")
      default: result.unicodeScalars.append(scalar)
      }
      isFirst = false
    }
    throw Failure(construct: "a class without its ]")
  }

  private mutating func escape(inClass: Bool) throws(Failure) {
    guard let scalar = peek() else { throw Failure(construct: "a final \\") }
    position += 1
    switch scalar {
    case "s": result += #"\p{White_Space}"#
    case "S": result += #"\P{White_Space}"#
    case "w": result += inClass ? Self.wordMembers : "[\(Self.wordMembers)]"
    case "W" where !inClass: result += "[^\(Self.wordMembers)]"
    case "h": result += inClass ? "0-9a-fA-F" : "[0-9a-fA-F]"
    case "v": result += #"\x0b"#
    case "d", "D", "r", "n", "t", "f", "a", "e", "0": result += "\\\(scalar)"
    case "A" where !inClass, "z" where !inClass, "Z" where !inClass: result += "\\\(scalar)"
    case "p", "P": try property(negated: scalar == "P")
    case "x": try hexadecimal(maximum: 2)
    case "u": try hexadecimal(maximum: 4)
    default:
      if scalar.isASCII, scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) {
        throw Failure(construct: "\\\(scalar)\(inClass ? " in a class" : "")")
      }
      result += scalar.isASCII ? "\\\(scalar)" : String(scalar)
    }
  }

  private mutating func hexadecimal(maximum: Int) throws(Failure) {
    var digits = ""
    let isBraced = peek() == "{"
    if isBraced { position += 1 }
    while let digit = peek(), digit.properties.isASCIIHexDigit, isBraced || digits.utf8.count < maximum {
      digits.unicodeScalars.append(digit)
      position += 1
    }
    if isBraced {
      guard peek() == "}" else { throw Failure(construct: #"\x{\#(digits)"#) }
      position += 1
    }
    // Beyond ASCII, Oniguruma's \xHH is a byte of the encoded text.
    guard let number = UInt32(digits, radix: 16), isBraced || maximum == 4 || number < 0x80,
      isBraced || maximum == 2 || digits.utf8.count == 4
    else { throw Failure(construct: #"\x\#(digits)"#) }
    result += #"\x{\#(digits)}"#
  }

  private mutating func property(negated: Bool) throws(Failure) {
    guard peek() == "{", let end = scalars[position...].firstIndex(of: "}") else {
      throw Failure(construct: #"\p without {…}"#)
    }
    var name = String(String.UnicodeScalarView(scalars[(position + 1)..<end]))
    position = end + 1
    var isNegated = negated
    if name.hasPrefix("^") {
      name.removeFirst()
      isNegated.toggle()
    }
    guard !name.isEmpty, name.unicodeScalars.allSatisfy({ $0.isASCII && ($0.properties.isAlphabetic || $0 == "_") })
    else { throw Failure(construct: #"\p{\#(name)}"#) }
    let category = Self.longCategories[name] ?? name
    result += isNegated ? #"\P{"# : #"\p{"#
    // PCRE2 reads a bare script name as the script with its extensions.
    result += Self.generalCategories.contains(category) ? "\(category)}" : "sc:\(category)}"
  }
}
