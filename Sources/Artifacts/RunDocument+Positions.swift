extension RunDocument {
  /// The document for a model of so many positions: lengths that were not given, but are defaults, are no longer than that.
  /// One that was given stays.
  ///
  /// - Parameter positions: what the model was made for; nil when it does not say.
  public func fitting(positions: Int?) -> RunDocument {
    guard let positions, positions >= 2 else { return self }
    var document = self
    func fit(_ key: String, _ path: WritableKeyPath<RunDocument, Int>, above least: Int = 1) {
      guard origins[key] == nil, positions > least else { return }
      document[keyPath: path] = min(document[keyPath: path], positions)
    }
    fit("calibration.length", \.calibration.length)
    fit("selection.length", \.selection.length)
    fit("generation.length", \.generation.length, above: generation.prompt)
    fit("tuning.length", \.tuning.length)
    fit("recovery.length", \.recovery.length)
    let givesStride = origins["evaluation.stride"] != nil
    // A stride is no longer than the window, so a long one asks for a long window.
    fit("evaluation.window", \.evaluation.window, above: givesStride ? evaluation.stride - 1 : 1)
    if !givesStride { document.evaluation.stride = document.evaluation.window }
    return document
  }
}
