import Pipeline
import Testing

@Suite struct ConsoleTests {
  @Test(arguments: [
    (-1.0, "0.0 s"), (0, "0.0 s"), (0.04, "0.0 s"), (4.56, "4.6 s"), (9.94, "9.9 s"), (10, "10 s"), (45.4, "45 s"),
    (99.4, "99 s"), (100, "1 min 40 s"), (200, "3 min 20 s"), (3599.4, "59 min 59 s"), (3600, "1 h 00 min"),
    (7500, "2 h 05 min"), (360_000, "100 h 00 min"), (1e300, "more than a year"), (.infinity, "more than a year"),
    (.nan, "0.0 s"), (9.96, "10 s"),
  ]) func time(seconds: Double, text: String) {
    #expect(Console.time(seconds) == text)
  }
}
