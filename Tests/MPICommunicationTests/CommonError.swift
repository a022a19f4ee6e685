import Communication
import Testing

/// What `body` threw on all ranks, nil when it threw nothing; the test fails where ranks differ. Collective.
func commonError(_ communicator: any Communicator, _ body: () throws -> Void) throws -> CommunicationError? {
  var error: CommunicationError?
  do { try body() } catch let caught as CommunicationError { error = caught }
  let lines = try communicator.gather(Array((error?.message ?? "").utf8))
  #expect(lines.allSatisfy { $0 == lines[0] }, "\(error?.message ?? "no error")")
  return error
}
