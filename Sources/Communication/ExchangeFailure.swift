/// One rank's failure on its way to the others, in place of the gradients that they wait for: so that all ranks throw the
/// same error, and none is left waiting.
struct ExchangeFailure {
  private static let magic: [UInt8] = Array("ESGF".utf8)
  /// Keeps a report to a size worth sending to everyone.
  private static let longestLine = 4096

  /// The magic, whether the failure is `notFinite` (1) or `damaged` (0), the line.
  static func encode(_ error: CommunicationError) -> [UInt8] {
    magic + [error.code == .notFinite ? 1 : 0] + Array(oneLine(error.message).utf8.prefix(longestLine))
  }

  /// What `body` gives, or the failure it throws, to be sent.
  static func caught(_ body: () throws(CommunicationError) -> [UInt8]) -> [UInt8] {
    do throws(CommunicationError) {
      return try body()
    } catch {
      return encode(error)
    }
  }

  /// Throws the failure of the lowest rank that sent one.
  static func throwFirst(in messages: [[UInt8]]) throws(CommunicationError) {
    guard let failure = messages.first(where: { isFailure($0) }) else { return }
    throw CommunicationError(failure[4] == 1 ? .notFinite : .damaged, String(decoding: failure[5...], as: UTF8.self))
  }

  private static func isFailure(_ message: [UInt8]) -> Bool { message.count > 5 && message.starts(with: magic) }
}
