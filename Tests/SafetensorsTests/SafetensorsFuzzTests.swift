import Safetensors
import Tensors
import TestSupport
import Testing

@Suite struct SafetensorsFuzzTests {
  @Test func damagedFilesNeverCrash() throws {
    let folder = try TemporaryFolder()
    let header =
      "{\"__metadata__\":{\"format\":\"pt\"}," + SafetensorsBytes.entry("a", "F32", "[2,2]", "0", "16") + ","
      + SafetensorsBytes.entry("b", "BF16", "[4]", "16", "24") + "}"
    let valid = SafetensorsBytes.file(header: header, dataByteCount: 24)
    var generator = SeededGenerator(seed: 20250421)
    var refused = 0
    for round in 0..<1000 {
      var bytes = valid
      for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: bytes.removeSubrange(index...)
        case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 2: bytes[index] = UInt8.random(in: 0...255, using: &generator)
        case 3: bytes.insert(UInt8(ascii: "9"), at: index)
        default: bytes.remove(at: index)
        }
      }
      let path = try folder.write(bytes, to: "\(round).safetensors")
      do throws(SafetensorsError) {
        let file = try SafetensorsFile(path: path)
        var total = file.headerByteCount
        for name in file.names {
          let tensor = try file.tensor(name)
          // Reads every byte that the tensor claims.
          let sum = unsafe tensor.bytes.withUnsafeBytes { unsafe $0.reduce(0) { $0 + Int($1) } }
          #expect(sum >= 0)
          #expect(tensor.byteCount == tensor.shape.byteCount(of: tensor.elementType))
          total += tensor.byteCount
        }
        #expect(total == bytes.count)
      } catch {
        refused += 1
        #expect(error.message.contains(path) && !error.message.contains("\n"))
      }
    }
    #expect(refused > 500)
    #expect(refused < 1000)
  }
}
