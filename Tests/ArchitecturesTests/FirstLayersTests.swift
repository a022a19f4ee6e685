import Architectures
import Blueprints
import Tensors
import TestSupport
import Testing

/// A model without its later layers.
@Suite struct FirstLayersTests {
  @Test func keepsTheFirst() throws {
    let model = try Model(path: Fixtures.demoModel)
    let two = model.keepingFirstLayers(2)
    #expect(two.blueprint.layers == Array(model.blueprint.layers.prefix(2)))
    #expect(two.blueprint.head == model.blueprint.head && model.blueprint.layers.count == 6)
    #expect(two.parameterCount == model.parameterCount - 4 * (196_608 + 2 * 128))
    for (name, specification) in two.specifications { #expect(try two.tensor(specification).name == name) }
    #expect(model.keepingFirstLayers(6).blueprint == model.blueprint)
  }
}
