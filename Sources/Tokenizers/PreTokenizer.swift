/// One step that cuts text into pieces; steps follow one another, each cutting the pieces of the one before.
///
/// Byte-level BPE ends with `byteLevel`, whose spelling of bytes as characters is left to the model's vocabulary: pieces
/// stay ranges of the original bytes.
enum PreTokenizer: Sendable {
  /// Cuts out numeric characters (Unicode's Nd, Nl, No): each on its own, or in runs.
  case digits(individual: Bool)
  case split(Pattern, SplitBehavior, invert: Bool)
  /// Puts a space before pieces that do not start with one, if asked; then cuts by GPT-2's pattern, if given.
  case byteLevel(addPrefixSpace: Bool, pattern: Pattern?)

  /// The pattern of GPT-2's `encoder.py`.
  static let gpt2Pattern = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
}

/// What becomes of the matches of a split.
enum SplitBehavior: String, Sendable, CaseIterable {
  /// They are dropped.
  case removed = "Removed"
  /// Each is a piece.
  case isolated = "Isolated"
  /// Each is joined to the piece before it.
  case mergedWithPrevious = "MergedWithPrevious"
  /// Each is joined to the piece after it.
  case mergedWithNext = "MergedWithNext"
  /// Each run of them is a piece.
  case contiguous = "Contiguous"
}

/// Turns a sequence of ranges, each a match or not, into pieces according to a ``SplitBehavior``.
///
/// The rules, also for empty matches and for matches beside each other, are those of `NormalizedString::split` in Hugging
/// Face's `tokenizers`.
struct SplitCollector {
  private let behavior: SplitBehavior
  private(set) var pieces: [Range<Int>] = []
  private var previousIsMatch: Bool?

  init(_ behavior: SplitBehavior) { self.behavior = behavior }

  mutating func add(_ range: Range<Int>, isMatch: Bool) {
    let joins =
      switch behavior {
      case .removed, .isolated: false
      case .mergedWithPrevious: isMatch && previousIsMatch == false
      case .mergedWithNext: !isMatch && previousIsMatch == true
      case .contiguous: isMatch == previousIsMatch
      }
    previousIsMatch = isMatch
    if behavior == .removed && isMatch { return }
    if joins, let last = pieces.popLast() {
      pieces.append(last.lowerBound..<range.upperBound)
    } else {
      pieces.append(range)
    }
  }
}
