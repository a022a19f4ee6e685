internal import CKernels

/// The parts of `sum`, in order.
extension GradientExchange {
  /// One message per rank: its part of the gradient, or for each the same failure. A lossless codec's own part stays
  /// here as it is.
  func encodedParts(of values: [Float], step: Int, place: (Int) -> String) -> [[UInt8]] {
    if codec == .int8 {
      corrected.replace(by: values[...])
      corrected.add(residuals.own)
    }
    do throws(CommunicationError) {
      try requireFinite(codec == .int8 ? corrected : values, step: step, place: place)
    } catch {
      return Array(repeating: ExchangeFailure.encode(error), count: communicator.size)
    }
    let start = ContinuousClock.now
    for receiver in 0..<communicator.size {
      let part = partition.block(of: count, rank: receiver)
      if codec == .int8 {
        var all = corrected.mutableSpan
        var span = all._mutatingExtracting(part)
        coder.encodeLeavingErrors(in: &span, into: &frames[receiver])
      } else if receiver != communicator.rank || !codec.isLossless {
        coder.encode(values.span.extracting(part), into: &frames[receiver])
      }
      if receiver != communicator.rank { lastStatistics.countSent(frames[receiver].count, values: part.count) }
    }
    lastStatistics.encodeSeconds += start.duration(to: .now).seconds
    return frames
  }

  /// Throws `notFinite` naming the first value that is infinite or NaN.
  func requireFinite(_ values: [Float], step: Int, place: (Int) -> String) throws(CommunicationError) {
    guard let index = values.firstNotFinite else { return }
    throw CommunicationError(
      .notFinite,
      "\(name) of step \(step): rank \(communicator.rank) has \(values[index]) at \(place(index)); "
        + "lower the learning rate, or look at that rank's data")
  }

  /// The frame with the sum of the part that this rank owns.
  func encodedSum(
    of received: [[UInt8]], values: [Float], step: Int, place: (Int) -> String
  ) throws(CommunicationError) -> [UInt8] {
    let part = partition.block(of: count, rank: communicator.rank)
    let start = ContinuousClock.now
    for (source, frame) in received.enumerated() {
      if source == communicator.rank, codec.isLossless {
        addend.replace(by: values[part])
      } else {
        try decode(frame, from: source, into: &addend, step: step)
      }
      // The first rank's values are the sum so far: added to zeros, its negative zeros would become positive.
      if source == 0 { swap(&partSum, &addend) } else { partSum.add(addend) }
    }
    if codec == .int8 { partSum.add(residuals.owned) }
    let summed = ContinuousClock.now
    lastStatistics.decodeSeconds += start.duration(to: summed).seconds
    if let index = partSum.firstNotFinite {
      throw CommunicationError(
        .notFinite,
        "\(name) of step \(step): the sum over ranks is \(partSum[index]) at \(place(part.lowerBound + index)), in the "
          + "part that rank \(communicator.rank) adds up; lower the learning rate")
    }
    if codec == .int8 {
      var span = partSum.mutableSpan
      coder.encodeLeavingErrors(in: &span, into: &sumFrame)
    } else {
      coder.encode(partSum.span, into: &sumFrame)
    }
    lastStatistics.encodeSeconds += summed.duration(to: .now).seconds
    // What any algorithm of gathering sends per rank, on average.
    let others = communicator.size - 1
    lastStatistics.countSent(sumFrame.count * others, values: part.count * others)
    return sumFrame
  }

  /// Puts the sums of all parts in place; gives step and checksum of the whole, to be compared.
  func decode(_ sums: [[UInt8]], into values: inout [Float], step: Int) throws(CommunicationError) -> [UInt8] {
    let start = ContinuousClock.now
    var all = values.mutableSpan
    for (owner, frame) in sums.enumerated() {
      var span = all._mutatingExtracting(partition.block(of: count, rank: owner))
      try decode(frame, from: owner, into: &span, step: step)
    }
    lastStatistics.decodeSeconds += start.duration(to: .now).seconds
    let checksum = unsafe values.withUnsafeBytes { unsafe CRC32.of($0) }
    return Array("\(checksum) \(step)".utf8)
  }

  /// Compares steps and checksums over ranks, or throws what a rank sent in place of them.
  func agree(on state: [UInt8], step: Int) throws(CommunicationError) {
    let states = try communicator.gather(state)
    try ExchangeFailure.throwFirst(in: states)
    let others = states.indices.filter { states[$0] != states[0] }
    guard let other = others.first else { return }
    let parts = states.map { String(decoding: $0, as: UTF8.self).split(separator: " ") }
    let isStep = parts[other].last != parts[0].last
    let (what, index) = isStep ? ("step", 1) : ("checksum", 0)
    let text = "\(RankList(others)): \(what) \(parts[other][index]); rank 0: \(what) \(parts[0][index])"
    throw CommunicationError(
      .disagreement,
      isStep
        ? "\(name): ranks are at different steps (\(text)); start all ranks from the same state"
        : "\(name) of step \(step): ranks ended with different sums (\(text)); look for faults of memory, or builds "
          + "that differ")
  }

  /// Once all ranks have succeeded, what this step's coding lost is the next one's correction.
  func keepErrors() {
    guard codec == .int8 else { return }
    swap(&residuals.own, &corrected)
    swap(&residuals.owned, &partSum)
  }

  private func decode(
    _ frame: [UInt8], from rank: Int, into values: inout [Float], step: Int
  ) throws(CommunicationError) {
    var span = values.mutableSpan
    try decode(frame, from: rank, into: &span, step: step)
  }

  private func decode(
    _ frame: [UInt8], from rank: Int, into values: inout MutableSpan<Float>, step: Int
  ) throws(CommunicationError) {
    do throws(CommunicationError) {
      try coder.decode(frame, into: &values)
    } catch {
      throw CommunicationError(
        error.code, "\(name) of step \(step), from rank \(rank) to rank \(communicator.rank): \(error.message)")
    }
  }
}

extension [Float] {
  /// The index of the first value that is infinite or NaN; nil when all are finite.
  var firstNotFinite: Int? { NotFinite.first(in: span) }

  /// Adds as many values, in float32.
  mutating func add(_ others: [Float]) {
    precondition(count == others.count, "sums are of equally many values")
    unsafe withUnsafeMutableBufferPointer { values in
      unsafe others.withUnsafeBufferPointer { others in
        guard let sum = values.baseAddress, let from = others.baseAddress else { return }
        unsafe ck_add_scaled(sum, from, 1, others.count)
      }
    }
  }

  /// Takes over as many values, without new memory.
  mutating func replace(by others: ArraySlice<Float>) {
    precondition(count == others.count, "values are replaced by equally many")
    unsafe withUnsafeMutableBufferPointer { unsafe _ = $0.update(fromContentsOf: others) }
  }
}
