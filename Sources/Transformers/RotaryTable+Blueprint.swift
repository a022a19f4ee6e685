public import Blueprints
public import Compute
internal import Glibc

extension RotaryTable {
  /// The table of `positions` positions for heads of `headWidth`.
  ///
  /// Frequencies and angles are rounded to float32 where Hugging Face's `compute_default_rope_parameters`,
  /// `_compute_llama3_parameters` and `LlamaRotaryEmbedding` hold them in it, so that they agree at late positions too.
  public init(_ rotary: RotarySpecification, headWidth: Int, positions: Int) {
    let half = headWidth / 2
    var cosines: [Float] = []
    var sines: [Float] = []
    cosines.reserveCapacity(positions * half)
    sines.reserveCapacity(positions * half)
    let frequencies = (0..<half).map { rotary.frequency($0, headWidth: headWidth) }
    for position in 0..<positions {
      for frequency in frequencies {
        let angle = Float(position) * frequency
        cosines.append(cos(angle))
        sines.append(sin(angle))
      }
    }
    self.init(half: half, cosines: cosines, sines: sines)
  }
}

extension RotarySpecification {
  /// The angle per position of pair `index`.
  func frequency(_ index: Int, headWidth: Int) -> Float {
    let base = 1 / Float(pow(theta, Double(Float(2 * index) / Float(headWidth))))
    switch scaling {
    case .none:
      return base
    case .linear(let factor):
      return base / Float(factor)
    case .llama3(let factor, let low, let high, let original):
      let wavelength = 2 * Double.pi / Double(base)
      if wavelength < Double(original) / high { return base }
      if wavelength > Double(original) / low { return base / Float(factor) }
      let smooth = (Double(original) / wavelength - low) / (high - low)
      return Float((1 - smooth) * Double(base) / factor + smooth * Double(base))
    }
  }
}
