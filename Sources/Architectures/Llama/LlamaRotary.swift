internal import Blueprints
internal import Checkpoints

/// The rotary positions of a config.json. transformers 5 writes `rope_parameters`; transformers 4 `rope_theta` and
/// `rope_scaling`, whose kind was once `type`.
///
/// A file may have both, as ours do, so that either version reads it. They have to say the same: where they do not, the
/// versions of transformers follow now one and now the other, and nobody knows what the model was trained with.
struct LlamaRotary {
  let specification: RotarySpecification

  private static let defaultTheta = 10_000.0
  private static let originalPositions = "original_max_position_embeddings"

  init(_ configuration: ModelConfiguration) throws(CheckpointError) {
    // Empty ones say nothing.
    let parameters = try Self.object("rope_parameters", configuration)
    let older = try Self.object("rope_scaling", configuration)
    let theta =
      try Self.agreed(
        "rope_theta", [parameters, configuration, older].compactMap { $0 },
        { (place) throws(CheckpointError) in
          guard let theta = try place.optionalNumber("rope_theta") else { return nil }
          guard theta > 0 else { throw place.invalid("rope_theta", "it must be above 0") }
          return theta
        }) ?? Self.defaultTheta
    for place in [configuration, parameters, older] {
      guard let place, let share = try place.optionalNumber("partial_rotary_factor"), share != 1 else { continue }
      throw place.invalid("partial_rotary_factor", "a Llama rotates whole heads, so it can only be 1")
    }
    let scalings = [
      try parameters.map { (place) throws(CheckpointError) in try Self.scaling(place, configuration) },
      try older.map { (place) throws(CheckpointError) in try Self.scaling(place, configuration) },
    ]
    if let newer = scalings[0], let old = scalings[1], newer != old {
      throw configuration.invalid(
        "rope_scaling",
        "it says \(Self.text(old)), but \"rope_parameters\" \(Self.text(newer)); remove the one that the model was not "
          + "trained with (transformers follows \"rope_scaling\")")
    }
    specification = RotarySpecification(theta: theta, scaling: scalings[0] ?? scalings[1] ?? .none)
  }

  private static func object(
    _ key: String, _ configuration: ModelConfiguration
  ) throws(CheckpointError) -> ModelConfiguration? {
    guard let object = try configuration.optionalObject(key), !object.object.isEmpty else { return nil }
    return object
  }

  /// The value of a key that may stand in several places, where all that have it say the same.
  private static func agreed<Value: Equatable>(
    _ key: String, _ places: [ModelConfiguration],
    _ read: (ModelConfiguration) throws(CheckpointError) -> Value?
  ) throws(CheckpointError) -> Value? {
    var found: (place: ModelConfiguration, value: Value)?
    for place in places {
      guard let value = try read(place) else { continue }
      guard let first = found else {
        found = (place, value)
        continue
      }
      guard first.value == value else {
        throw place.invalid(
          key,
          "but \(first.place.name(key)) is \(first.value); remove the one that the model was not trained with")
      }
    }
    return found?.value
  }

  private static func scaling(
    _ place: ModelConfiguration, _ configuration: ModelConfiguration
  ) throws(CheckpointError) -> RotarySpecification.Scaling {
    let kind = try place.optionalString("rope_type")
    let olderKind = try place.optionalString("type")
    if let kind, let olderKind, kind != olderKind {
      throw place.invalid("type", "but \(place.name("rope_type")) is \"\(kind)\"; remove one of the two")
    }
    switch kind ?? olderKind ?? "default" {
    case "default":
      // One object for each kind of layer, as families with several kinds have.
      if let nested = place.object.sorted(by: { $0.key < $1.key }).first(where: { $0.value.objectValue != nil })?.key {
        throw place.invalid(nested, "the layers of a Llama all rotate alike; put its members one level higher")
      }
      return .none
    case "linear": return .linear(factor: try positive("factor", place))
    case "llama3":
      return .llama3(
        factor: try positive("factor", place), lowFrequencyFactor: try positive("low_freq_factor", place),
        highFrequencyFactor: try positive("high_freq_factor", place),
        originalPositions: try originalPositions(place, configuration))
    default:
      throw place.invalid(kind == nil ? "type" : "rope_type", "only default, linear and llama3 are computed")
    }
  }

  /// The length that the model was trained on before its positions were scaled. It may stand beside the scaling too, and
  /// is `max_position_embeddings` where it stands nowhere, as for transformers 5.
  private static func originalPositions(
    _ place: ModelConfiguration, _ configuration: ModelConfiguration
  ) throws(CheckpointError) -> Int {
    let stated = try agreed(originalPositions, [place, configuration]) { (place) throws(CheckpointError) in
      try place.optionalPositiveInteger(originalPositions)
    }
    if let stated { return stated }
    if let positions = try configuration.optionalPositiveInteger("max_position_embeddings") { return positions }
    return try place.positiveInteger(originalPositions)
  }

  private static func positive(_ key: String, _ place: ModelConfiguration) throws(CheckpointError) -> Double {
    let value = try place.number(key)
    guard value > 0 else { throw place.invalid(key, "it must be above 0") }
    return value
  }

  private static func text(_ scaling: RotarySpecification.Scaling) -> String {
    switch scaling {
    case .none: "no scaling"
    case .linear(let factor): "linear scaling by \(factor)"
    case .llama3(let factor, let low, let high, let positions):
      "llama3 scaling by \(factor) (\(low), \(high), \(positions))"
    }
  }
}
