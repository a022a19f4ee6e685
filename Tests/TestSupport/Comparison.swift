/// The largest absolute difference of two lists; infinite for different lengths or NaN.
public func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).reduce(0) { largest, pair in
    let difference = abs(pair.0 - pair.1)
    return difference.isNaN ? .infinity : max(largest, difference)
  }
}

/// ‖a‖ in double precision.
public func norm(_ a: [Float]) -> Double { a.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() }

/// ‖a − b‖ / ‖b‖ in double precision; infinite for different lengths or NaN.
///
/// - Parameter least: what is divided by where ‖b‖ is less, for numbers that cancel to nothing but rounding.
public func relativeError(_ a: [Float], _ b: [Float], least: Double = 0) -> Double {
  guard a.count == b.count else { return .infinity }
  var difference = 0.0
  for (x, y) in zip(a, b) { difference += (Double(x) - Double(y)) * (Double(x) - Double(y)) }
  let error = difference.squareRoot() / max(norm(b), least, 1e-30)
  return error.isNaN ? .infinity : error
}

/// The largest |a − b| / |b| over the elements; infinite for different lengths or NaN.
public func largestRelativeDifference(_ a: [Float], _ b: [Float]) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).reduce(0) { largest, pair in
    let difference = abs(Double(pair.0) - Double(pair.1)) / max(abs(Double(pair.1)), 1e-30)
    return difference.isNaN ? .infinity : max(largest, difference)
  }
}
