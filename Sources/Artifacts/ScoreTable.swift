/// A score for every prunable unit of a model; the lowest are removed first.
public struct ScoreTable: Sendable, Equatable {
  /// One layer's scores.
  public struct Layer: Sendable, Equatable {
    /// `[key-value head]`
    public var attention: [Float]
    /// `[neuron]`
    public var mlp: [Float]

    public init(attention: [Float], mlp: [Float]) {
      self.attention = attention
      self.mlp = mlp
    }
  }

  /// How the scores were made, carried into every plan made from them.
  public struct Metadata: Sendable, Equatable {
    /// `ntk`, `taylor`, `magnitude`, `random`, …
    public var criterion: String
    /// `max-logit` or `loss`; empty where the criterion needs none.
    public var objective: String
    /// `signed` or `absolute`; empty where the criterion needs none.
    public var accumulation: String
    /// Hash of the scored model.
    public var modelHash: String
    /// Hash of the calibration sequences.
    public var dataHash: String

    public init(criterion: String, objective: String, accumulation: String, modelHash: String, dataHash: String) {
      self.criterion = criterion
      self.objective = objective
      self.accumulation = accumulation
      self.modelHash = modelHash
      self.dataHash = dataHash
    }
  }

  public var layers: [Layer]
  public var metadata: Metadata

  public init(layers: [Layer], metadata: Metadata) {
    self.layers = layers
    self.metadata = metadata
  }

  /// The table itself, once it is known to fit the model: a score for each unit of `model`, and each a finite number.
  ///
  /// - Parameter file: the name that errors carry; nil for scores that are in no file.
  /// - Throws: `mismatch` or `notFinite`, naming the layer and the unit.
  @discardableResult
  public func checked(against model: [PrunableLayer], file: String? = nil) throws(ArtifactError) -> ScoreTable {
    do throws(ArtifactError) {
      guard layers.count == model.count else {
        throw ArtifactError(
          code: .mismatch,
          message: "scores are of \(layers.count) layers but the model has \(model.count); score this model again")
      }
      for (index, (scores, layer)) in zip(layers, model).enumerated() {
        try Self.check(scores.attention, units: layer.attentionUnits, "layers.\(index).attention")
        try Self.check(scores.mlp, units: layer.mlpUnits, "layers.\(index).mlp")
      }
    } catch {
      throw file.map(error.located) ?? error
    }
    return self
  }

  private static func check(_ scores: [Float], units: Int, _ place: String) throws(ArtifactError) {
    guard scores.count == units else {
      throw ArtifactError(
        code: .mismatch,
        message: "\(place): \(scores.count) scores but the model has \(units) units; score this model again")
    }
    guard let unit = scores.firstIndex(where: { !$0.isFinite }) else { return }
    throw ArtifactError(
      code: .notFinite,
      message: "\(place): the score of unit \(unit) is \(scores[unit]), not a finite number; score this model again")
  }
}
