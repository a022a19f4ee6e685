import Artifacts
import Testing

@Suite struct ByteSizeTests {
  @Test(arguments: [
    ("0", 0), ("4096", 4096), ("12B", 12), ("5GB", 5_000_000_000), ("5 GB", 5_000_000_000), ("1kb", 1000),
    ("512MiB", 512 << 20), ("2tib", 2 << 40), ("1.5GB", 1_500_000_000), ("0.5KiB", 512), ("1.000kB", 1000),
    ("9223372036854775807", Int.max), ("9223372.036854775807TB", Int.max), ("0.000000000001TB", 1),
  ])
  func reads(text: String, bytes: Int) { #expect(ByteSize(text)?.bytes == bytes) }

  @Test(arguments: [
    "", "GB", "-1", "+1", "1.5", "1.", ".5GB", "1..5GB", "5G", "5 gigabytes", "0x10", "1e9", "9223372036854775808",
    "9223372.036854775808TB", "99999999TiB", "0.0000000000001TB", "1.0001kB", "٣GB", "5GB ", "∞",
  ])
  func refuses(text: String) { #expect(ByteSize(text) == nil) }

  @Test(arguments: [
    (0, "0", "0 B"), (1, "1", "1 B"), (999, "999", "999 B"), (1000, "1kB", "1.0 kB"), (1024, "1KiB", "1.0 kB"),
    (5_000_000_000, "5GB", "5.0 GB"), (1 << 30, "1GiB", "1.1 GB"), (269_060_552, "269060552", "269.1 MB"),
    (Int.max, "9223372036854775807", "9223372.0 TB"),
  ])
  func writes(bytes: Int, exact: String, rounded: String) {
    let size = ByteSize(bytes: bytes)
    #expect(size.description == exact)
    #expect(size.rounded == rounded)
    #expect(ByteSize(exact) == size)
  }

  @Test func sizesAreOrdered() {
    #expect(ByteSize(bytes: 1) < ByteSize(bytes: 2))
  }
}
