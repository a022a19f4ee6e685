internal import Allocation
internal import Artifacts
internal import Calibration
internal import Checkpoints
internal import Communication
internal import Compute
internal import Safetensors
internal import Tensors
internal import Tokenizers
internal import Transformers

/// The process's exit codes, after sysexits(3); docs/exit-codes.md lists them for users.
public enum ExitCode {
  public static let success: Int32 = 0
  /// The command line or the run document is wrong.
  public static let usage: Int32 = 64
  /// A model, text or artifact is damaged, or does not fit the others.
  public static let data: Int32 = 65
  /// An input is missing or cannot be opened.
  public static let noInput: Int32 = 66
  /// The ranks do not fit together: another count than was launched, or other inputs.
  public static let ranks: Int32 = 69
  /// A fault of Espalier or of the message library.
  public static let software: Int32 = 70
  /// Memory does not suffice, or the threads that may be started do not.
  public static let memory: Int32 = 71
  /// The output cannot be created.
  public static let cannotCreate: Int32 = 73
  /// Reading or writing failed on the way: disk full, I/O error.
  public static let inputOutput: Int32 = 74

  /// A signal ended the run, which saved what was done: the same command goes on.
  public static let stopped: Int32 = 75
  /// The watchdog ended the run, because a rank was late.
  public static let late: Int32 = 76

  /// The exit code of an error.
  public static func code(for error: any Error) -> Int32 {
    switch error {
    case let error as PeerFailure: error.exitCode
    case let error as RunDocumentError: error.code == .unreadable ? noInput : usage
    case is StoppedError: stopped
    case let error as DoctorError: error.exitCode
    case let error as AllocationError: error.code == .invalidInput ? data : usage
    case is RunFolderError: cannotCreate
    case let error as MemoryLimitError: error.exitCode
    case is ProcessLimitError: memory
    case let error as ArtifactError: error.code == .unreadable ? noInput : data
    case let error as CheckpointError: code(error)
    case let error as StorageError: code(error)
    case let error as SafetensorsError:
      switch error.code {
      case .storage: noInput
      case .notWritten: inputOutput
      default: data
      }
    case let error as TokenizerError: error.code == .unreadableFile ? noInput : data
    case let error as CalibrationError:
      switch error.code {
      case .unreadableFile: noInput
      case .invalidArgument: usage
      default: data
      }
    case is TransformerError, is Overflow: data
    case is ComputeError: memory
    case let error as CommunicationError:
      switch error.code {
      case .launch, .disagreement: ranks
      case .notFinite: data
      default: software
      }
    default: software
    }
  }

  /// Whether an error lies in the numbers of a model, which every rank holds alike: whichever rank came upon it, all say the
  /// same.
  static func isCommon(_ error: any Error) -> Bool {
    switch error {
    case is Overflow: true
    case let error as StorageError: error.code == .notFinite
    case let error as CheckpointError: error.code == .notFinite
    default: false
    }
  }

  private static func code(_ error: CheckpointError) -> Int32 {
    switch error.code {
    case .missingFolder, .missingConfiguration, .missingWeights: noInput
    case .storage: inputOutput
    case .outputExists, .outputNotWritable: cannotCreate
    default: data
    }
  }

  private static func code(_ error: StorageError) -> Int32 {
    switch error.code {
    case .notFound, .notARegularFile, .permissionDenied: noInput
    case .noSpace, .inputOutput, .readOnly: inputOutput
    case .locked: cannotCreate
    default: data
    }
  }
}
