/// How watchdogs send beats to each other, beside all other messages. One thread uses it.
public protocol BeatChannel: Sendable {
  var rank: Int { get }
  var size: Int { get }

  /// Sends a beat, unless the one before is still under way to that rank; never waits.
  ///
  /// - Returns: whether it was sent.
  func send(_ beat: Beat, to rank: Int) throws(CommunicationError) -> Bool

  /// A beat that has come, and whose; nil: none has.
  func receive() throws(CommunicationError) -> (rank: Int, beat: Beat)?

  /// Whether everything that was sent is out of this rank's hands.
  func isIdle() throws(CommunicationError) -> Bool
}
