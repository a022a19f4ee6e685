import ArgumentParser
import Foundation

/// A command line that cannot be parsed, in one line with the usage; ArgumentParser takes several.
struct CommandLineError: Error, CustomStringConvertible {
  let description: String

  /// - Parameter error: what parsing this process's command line threw.
  init(_ error: any Error) {
    description = Self.unknownVerb(CommandLine.arguments.dropFirst().first) ?? Self.oneLine(error)
  }

  /// Arguments of which `--option -0.1` is made `--option=-0.1`: ArgumentParser takes what begins with a dash for an option
  /// of its own, and would say that the value is missing, not that it is too low. There are no options of one dash but -h.
  static func joined(_ arguments: [String]) -> [String] {
    var joined: [String] = []
    for (index, argument) in arguments.enumerated() {
      let isValue = argument.hasPrefix("-") && !argument.hasPrefix("--") && argument != "-" && argument != "-h"
      if isValue, let last = joined.last, last.hasPrefix("--"), last != "--", !last.contains("="),
        !arguments[..<index].contains("--")
      {
        joined[joined.count - 1] = "\(last)=\(argument)"
      } else {
        joined.append(argument)
      }
    }
    return joined
  }

  private static func unknownVerb(_ word: String?) -> String? {
    let verbs = EspalierCommand.configuration.subcommands.map { $0.configuration.commandName ?? "" }
    guard let word, !word.hasPrefix("-"), !(verbs + ["help"]).contains(word) else { return nil }
    return "unknown verb '\(word)'; the verbs are \(verbs.joined(separator: ", ")); see 'espalier --help'"
  }

  /// Of "Error: …", perhaps "Help: …", "Usage: …", "  See '… --help' for more information.", all but the help.
  private static func oneLine(_ error: any Error) -> String {
    var message = EspalierCommand.message(for: error)
    if message.contains(". Did you mean "), message.hasSuffix("?") {
      message = message.replacingOccurrences(of: ". Did you mean ", with: " (did you mean ") + ")"
    }
    var parts = [message.prefix(1).lowercased() + message.dropFirst()]
    let lines = EspalierCommand.fullMessage(for: error).components(separatedBy: .newlines)
    for line in lines.drop(while: { !$0.hasPrefix("Usage: ") }) where !line.isEmpty {
      parts.append(
        line.trimmingCharacters(in: .whitespaces).replacingOccurrences(of: "Usage: ", with: "usage: ")
          .replacingOccurrences(of: "See ", with: "see ")
          .replacingOccurrences(of: " for more information.", with: ""))
    }
    return parts.joined(separator: "; ")
  }
}
