struct Point: Equatable {
  var x: Double
  var y: Double
}

/// An SVG that is being drawn.
///
/// How its classes look is said by a `ChartStyle`.
struct Drawing {
  private var elements: [Markup] = []

  mutating func append(_ element: Markup) {
    elements.append(element)
  }

  mutating func text(_ text: Markup, at point: Point, _ name: Markup) {
    append(#"<text x="\#(point.x)" y="\#(point.y)" class="\#(name)">\#(text)</text>"#)
  }

  mutating func line(_ from: Point, _ to: Point, _ name: Markup) {
    path("M\(from.x) \(from.y)L\(to.x) \(to.y)", name)
  }

  mutating func path(_ data: Markup, _ name: Markup) {
    append(#"<path class="\#(name)" d="\#(data)"/>"#)
  }

  /// A line through all points, of which those are left out that lie upon the one before.
  mutating func curve(_ points: [Point], _ name: Markup) {
    var data: Markup = ""
    var last: Point?
    for point in points {
      if let last, abs(last.x - point.x) < 0.1, abs(last.y - point.y) < 0.1 { continue }
      data += last == nil ? "M" : "L"
      data += "\(point.x) \(point.y)"
      last = point
    }
    path(data, name)
  }

  mutating func group(_ attributes: Markup, _ draw: (inout Drawing) -> Void) {
    var inner = Drawing()
    draw(&inner)
    append("<g \(attributes)>")
    elements += inner.elements
    append("</g>")
  }

  /// The whole image.
  ///
  /// - Parameters:
  ///   - title: What it shows.
  ///   - description: What there is to see, for who can't.
  ///   - style: Its own style, where no page has one for it; then it has a size of its own too.
  func image(
    width: Double, height: Double, title: String, description: String, style: Markup? = nil
  ) -> Markup {
    let size: Markup = style == nil ? "" : #"width="\#(width)" height="\#(height)" "#
    let box: Markup = #"viewBox="0 0 \#(width) \#(height)""#
    let head: Markup = #"""
      <svg xmlns="http://www.w3.org/2000/svg" \#(size)\#(box) role="img">
      <title>\#(title)</title>
      <desc>\#(description)</desc>
      """#
    let ownStyle: [Markup] = style.map { ["<style>\($0)</style>"] } ?? []
    return ([head] + ownStyle + elements + ["</svg>"]).joined()
  }
}
