/// The element types that a safetensors file can hold and Espalier can name.
///
/// Arithmetic is done in `Float`; only `float32`, `bfloat16` and `float16` convert to and from it (see
/// ``StoredTensor/convert(to:)`` and ``encode(_:)``). The others are carried as bytes.
public enum ElementType: String, Sendable, Hashable, Codable, CaseIterable {
  case float64 = "F64"
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case int64 = "I64"
  case int32 = "I32"
  case int16 = "I16"
  case int8 = "I8"
  case uint64 = "U64"
  case uint32 = "U32"
  case uint16 = "U16"
  case uint8 = "U8"
  case bool = "BOOL"

  /// The type that a safetensors header calls `name`; nil for types that Espalier does not know, such as `F8_E4M3`.
  public init?(safetensorsName name: String) { self.init(rawValue: name) }

  /// The name in a safetensors header, such as `BF16`.
  public var safetensorsName: String { rawValue }

  /// Bytes of one element. It is also the alignment that readers ask of the element's offset.
  public var byteCount: Int {
    switch self {
    case .float64, .int64, .uint64: 8
    case .float32, .int32, .uint32: 4
    case .float16, .bfloat16, .int16, .uint16: 2
    case .int8, .uint8, .bool: 1
    }
  }

  /// Whether elements convert to and from `Float` here: `float32`, `bfloat16` and `float16`.
  public var convertsToFloat: Bool {
    switch self {
    case .float32, .bfloat16, .float16: true
    default: false
    }
  }
}
