/// Which way the weights of a prunable unit lie in a matrix.
public enum UnitAxis: String, Sendable, Codable {
  /// Unit `u` owns the rows `u · width ..< (u + 1) · width`.
  case rows
  /// Unit `u` owns the columns `u · width ..< (u + 1) · width`.
  case columns
}
