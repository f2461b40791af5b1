import Testing

@testable import coro_bench

@Suite struct MarkupTests {
  @Test func `what is put into markup is escaped, what is markup is not`() {
    let name = #"<b>&"'"#
    let inner: Markup = "<i>\(name)</i>"
    let outer: Markup = "<p title=\"\(name)\">\(inner)</p>"
    #expect(
      outer.text
        == "<p title=\"&lt;b&gt;&amp;&quot;&#39;\"><i>&lt;b&gt;&amp;&quot;&#39;</i></p>")
  }

  @Test func `what XML can't hold is replaced`() {
    #expect(Markup.escaped("a\0\u{1b}\tb\u{ffff}é") == "a\u{fffd}\u{fffd}\tb\u{fffd}é")
  }

  @Test func `coordinates have a digit at most`() {
    #expect(("\(1.0) \(0.25) \(-3.04) \(-0.01) \(7)" as Markup).text == "1 0.3 -3 -0 7")
  }
}

@Suite struct ScaleTests {
  @Test func `a linear scale begins at zero`() {
    let scale = Scale(.linear, covering: [5, 20, .nan, .infinity], from: 100, to: 200)
    #expect(scale.position(0) == 100)
    #expect(scale.position(10) == 150)
    #expect(scale.position(20) == 200)
    #expect(scale.ticks(4) == [0, 5, 10, 15, 20])
  }

  @Test func `or below, where there is something below`() {
    let scale = Scale(.linear, covering: [-10, 30], from: 0, to: 40)
    #expect(scale.position(0) == 10)
    #expect(scale.ticks(4) == [-10, 0, 10, 20, 30])
  }

  @Test func `what lies beyond, and what is no number, gets an end`() {
    for kind in [Scale.Kind.linear, .logarithmic] {
      let scale = Scale(kind, covering: [1, 100], from: 10, to: 20)
      #expect(scale.position(1e9) == 20)
      #expect(scale.position(-1e9) == 10)
      #expect(scale.position(.infinity) == 20)
      #expect(scale.position(.nan) == 10)
    }
  }

  @Test func `a logarithmic scale gives equal ratios equal distances`() {
    let scale = Scale(.logarithmic, covering: [1, 1000, 0, -1], from: 300, to: 0)
    #expect(abs(scale.position(10) - 200) < 1e-9)
    #expect(abs(scale.position(100) - 100) < 1e-9)
    #expect(scale.ticks(4) == [1, 10, 100, 1000])
  }

  @Test func `its ends are round, and a decade apart at least`() {
    let scale = Scale(.logarithmic, covering: [0.23, 0.41], from: 0, to: 1)
    #expect(scale.low == 0.2)
    #expect(scale.high == 2)
    #expect(scale.ticks(5) == [0.2, 0.5, 1, 2])
  }

  @Test(arguments: [[], [0], [.nan], [-5], [1e-300, 1e300], [7, 7], [1e-305], [-1e308, 1e308]])
  func `no values are too odd for a scale`(values: [Double]) {
    for kind in [Scale.Kind.linear, .logarithmic] {
      let scale = Scale(kind, covering: values, from: 0, to: 100)
      #expect(scale.low < scale.high)
      #expect(scale.ticks(5).count <= 12)
      for value in values + scale.ticks(5) { #expect((0...100).contains(scale.position(value))) }
    }
  }

  @Test(arguments: [
    (0, "0"), (0.5, "0.5"), (20, "20"), (2000, "2000"), (10_000, "10k"), (2_500_000, "2500k"),
    (25_000_000, "25M"),
    (-0.02, "-0.02"), (.nan, "–"),
  ])
  func `round numbers have no zeros at their end`(value: Double, text: String) {
    #expect(NumberText.brief(value) == text)
  }

  @Test(arguments: [(0.5, "500 ns"), (20, "20 µs"), (5000, "5 ms"), (2_000_000, "2 s")])
  func `times have the unit that people take`(value: Double, text: String) {
    #expect(NumberText.microseconds(value) == text)
  }

  @Test func `long names are cut`() {
    #expect(NumberText.shortened("io_uring", to: 8) == "io_uring")
    #expect(NumberText.shortened("io_uring-multishot", to: 9) == "io_uring…")
  }
}

@Suite struct LabelPlacementTests {
  @Test func `labels that have room stay`() {
    #expect(
      LabelPlacement.spread([50, 10, 30], gap: 10, within: 0...100) == [50, 10, 30])
  }

  @Test func `labels that have none move apart, in order`() {
    let places = LabelPlacement.spread([99, 98, 97], gap: 10, within: 0...100)
    #expect(places == [99, 89, 79])
    #expect(LabelPlacement.spread([0, 1, 2], gap: 10, within: 5...100) == [5, 15, 25])
  }

  @Test func `too many of them go beyond the end rather than over one another`() {
    #expect(
      LabelPlacement.spread([1, 1, 1, 1], gap: 10, within: 0...20) == [0, 10, 20, 30])
    #expect(LabelPlacement.spread([], gap: 10, within: 0...20) == [])
  }
}
