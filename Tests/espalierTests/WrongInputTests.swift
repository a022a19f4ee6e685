import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// The matrix of single wrong things: each on one rank, and on two under `mpirun`.
  @Suite struct WrongInputTests {
    @Test(arguments: WrongInput.models, [nil, 2]) func model(wrong: WrongInput, ranks: Int?) async throws {
      try await wrong.check(ranks: ranks)
      #expect(!wrong.parts.isEmpty)
    }

    @Test(arguments: WrongInput.texts, [nil, 2]) func text(wrong: WrongInput, ranks: Int?) async throws {
      try await wrong.check(ranks: ranks)
      #expect(!wrong.parts.isEmpty)
    }

    @Test(arguments: WrongInput.documents, [nil, 2]) func document(wrong: WrongInput, ranks: Int?) async throws {
      try await wrong.check(ranks: ranks)
      #expect(!wrong.parts.isEmpty)
    }

    @Test(arguments: WrongInput.commandLines, [nil, 2]) func commandLine(wrong: WrongInput, ranks: Int?) async throws {
      try await wrong.check(ranks: ranks)
      #expect(!wrong.parts.isEmpty)
    }

    @Test(arguments: WrongInput.outputs, [nil, 2]) func output(wrong: WrongInput, ranks: Int?) async throws {
      try await wrong.check(ranks: ranks)
      #expect(!wrong.parts.isEmpty)
    }

    @Test(arguments: WrongInput.training, [nil, 2]) func training(wrong: WrongInput, ranks: Int?) async throws {
      try await wrong.check(ranks: ranks)
      #expect(!wrong.parts.isEmpty)
    }

    @Test(arguments: WrongInput.artifacts, [nil, 2]) func artifact(wrong: WrongInput, ranks: Int?) async throws {
      try await wrong.check(ranks: ranks)
      #expect(!wrong.parts.isEmpty)
    }
  }
}
