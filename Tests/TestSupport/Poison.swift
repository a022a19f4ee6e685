import Foundation

/// Safetensors files with one number changed, as a bad disk, a bad merge or a diverged training leave them.
public enum Poison {
  /// The names of a file's tensors, sorted.
  public static func names(_ file: [UInt8]) throws -> [String] { try header(file).keys.sorted() }

  /// `file` with the element of `tensor` at `index` replaced by `value`, rounded to the tensor's type.
  public static func changed(_ file: [UInt8], _ tensor: String, _ index: [Int], to value: Float) throws -> [UInt8] {
    guard let entry = try header(file)[tensor] as? [String: Any], let type = entry["dtype"] as? String,
      let shape = entry["shape"] as? [Int], let offsets = entry["data_offsets"] as? [Int], shape.count == index.count
    else { throw PoisonError(description: "no tensor \(tensor)") }
    let element = zip(shape, index).reduce(0) { $0 * $1.0 + $1.1 }
    let bytes = self.bytes(of: value, as: type)
    let start = 8 + headerLength(file) + offsets[0] + element * bytes.count
    var result = file
    result.replaceSubrange(start..<start + bytes.count, with: bytes)
    return result
  }

  struct PoisonError: Error, CustomStringConvertible {
    let description: String
  }

  private static func bytes(of value: Float, as type: String) -> [UInt8] {
    let bits = value.bitPattern
    func little(_ bits: UInt32, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
    }
    switch type {
    case "BF16": return little(value.isNaN ? 0x7FC0 : bits >> 16, 2)
    case "F16": return little(UInt32(value.isNaN ? 0x7E00 : Float16(value).bitPattern), 2)
    default: return little(bits, 4)
    }
  }

  private static func headerLength(_ file: [UInt8]) -> Int { file[..<8].reversed().reduce(0) { $0 << 8 | Int($1) } }

  private static func header(_ file: [UInt8]) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(file[8..<8 + headerLength(file)]))
    return (object as? [String: Any] ?? [:]).filter { $0.key != "__metadata__" }
  }
}
