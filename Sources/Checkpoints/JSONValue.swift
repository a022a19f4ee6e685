/// A JSON value that keeps what a configuration file says: integers stay integers, `10000.0` stays a number.
///
/// Python's `NaN`, `Infinity` and `-Infinity` are read and written, as configurations in the wild hold them.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// The value under `key`; nil where this is no object or has no such key. Setting nil removes the key; setting on
  /// anything but an object makes it one.
  public subscript(key: String) -> JSONValue? {
    get { objectValue?[key] }
    set {
      var members = objectValue ?? [:]
      members[key] = newValue
      self = .object(members)
    }
  }

  public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The integer; nil for a number with a fraction or an exponent, even where it is whole.
  public var integerValue: Int? { if case .integer(let value) = self { Int(exactly: value) } else { nil } }

  /// The number, whole or not.
  public var numberValue: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
  public var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  public var objectValue: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }
  public var isNull: Bool { self == .null }

  /// The kind of value, in words, for messages: `the string "gelu"`, `an object`.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): "the string \"\(value.count > 60 ? value.prefix(60) + "…" : value)\""
    case .array: "a list"
    case .object: "an object"
    }
  }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(nilLiteral: ()) { self = .null }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int64) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

  /// The last of equal keys wins.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(Dictionary(elements) { $1 })
  }
}
