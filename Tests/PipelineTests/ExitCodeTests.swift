import Allocation
import Artifacts
import Blueprints
import Calibration
import Checkpoints
import Communication
import Compute
import Pipeline
import Safetensors
import Tensors
import Testing
import Tokenizers
import Transformers

/// The documented exit code of every kind of error.
@Suite struct ExitCodeTests {
  static let cases: [(error: any Error, code: Int32)] = [
    (RunDocumentError(.unreadable, ""), 66), (RunDocumentError(.unknownKey, ""), 64),
    (RunDocumentError(.conflict, ""), 64), (AllocationError(code: .sparsityOutOfReach, message: ""), 64),
    (AllocationError(code: .invalidSetting, message: ""), 64), (AllocationError(code: .invalidInput, message: ""), 65),
    (RunFolderError(message: ""), 73),
    (MemoryLimitError(limit: ByteSize(bytes: 1), needed: ByteSize(bytes: 2)), 71),
    (ArtifactError(code: .unreadable, message: ""), 66), (ArtifactError(code: .mismatch, message: ""), 65),
    (ArtifactError(code: .notFinite, message: ""), 65),
    (CheckpointError(.missingFolder, ""), 66), (CheckpointError(.missingConfiguration, ""), 66),
    (CheckpointError(.missingWeights, ""), 66), (CheckpointError(.storage, ""), 74),
    (CheckpointError(.outputExists, ""), 73), (CheckpointError(.outputNotWritable, ""), 73),
    (CheckpointError(.invalidJSON, ""), 65), (CheckpointError(.wrongShape, ""), 65),
    (StorageError(.notFound, ""), 66), (StorageError(.permissionDenied, ""), 66),
    (StorageError(.notARegularFile, ""), 66), (StorageError(.noSpace, ""), 74), (StorageError(.readOnly, ""), 74),
    (StorageError(.inputOutput, ""), 74), (StorageError(.sizeMismatch, ""), 65), (StorageError(.notFinite, ""), 65),
    (CheckpointError(.notFinite, ""), 65), (Overflow(.head, .model), 65),
    (CalibrationError(.unreadableFile, ""), 66), (CalibrationError(.invalidArgument, ""), 64),
    (CalibrationError(.invalidUTF8, ""), 65), (CalibrationError(.tooFewTokens, ""), 65),
    (CommunicationError(.launch, ""), 69), (CommunicationError(.disagreement, ""), 69),
    (CommunicationError(.library, ""), 70), (CommunicationError(.notFinite, ""), 65),
    (CommunicationError(.damaged, ""), 70),
    (PeerFailure(rank: 1, line: "", exitCode: 42, failedRanks: [1], isCommon: false), 42),
    (Unknown(), 70),
  ]

  struct Unknown: Error {}

  @Test(arguments: cases.indices) func isDocumented(index: Int) {
    let (error, code) = Self.cases[index]
    #expect(ExitCode.code(for: error) == code, "\(type(of: error)): \(error)")
  }
}
