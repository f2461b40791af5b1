/// The page's style sheet, of which nothing comes from elsewhere; dark follows the reader's scheme.
enum Style {
  static var sheet: Markup { [colours, page, boxes, print].joined() + ChartStyle.page.sheet }

  /// The series' colours differ in lightness as well as in hue, and each has a contrast of 3 or
  /// more to its background; texts have 4.5 or more.
  private static let colours: Markup = """
    :root{color-scheme:light dark;
    --back:#fff;--text:#1b1f24;--muted:#57606a;--grid:#dfe3e8;--rule:#d0d7de;--panel:#f6f8fa;
    --warn:#fff4dc;--warn-rule:#b36b00;--link:#0550ae;--bar:#6e7781;
    --o0:#005fb0;--o1:#007b8f;--p0:#b34700;--p1:#00725a;--p2:#a02b86;--p3:#6b5b00;
    --p4:#c2284d;--p5:#5b3fb5;--p6:#4d6a1e;--p7:#7a4a2b}
    @media screen and (prefers-color-scheme:dark){:root{
    --back:#0f1216;--text:#e6edf3;--muted:#9aa4af;--grid:#2a3038;--rule:#343b44;--panel:#171b21;
    --warn:#2b2210;--warn-rule:#d99a2b;--link:#79b8ff;--bar:#97a1ac;
    --o0:#5cb3ff;--o1:#7fe0ea;--p0:#ff9d5c;--p1:#3fcfa8;--p2:#e58ad0;--p3:#d8c34a;
    --p4:#ff7f94;--p5:#b3a0ff;--p6:#a5cf6b;--p7:#d3a283}}
    """

  private static let page: Markup = """
    *{box-sizing:border-box}
    body{margin:0 auto;max-width:84rem;padding:1.5rem 1rem 4rem;background:var(--back);
    color:var(--text);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
    h1{font-size:1.7rem;line-height:1.2;margin:0 0 .25rem}
    h2{font-size:1.35rem;margin:3rem 0 .25rem;padding-top:1rem;border-top:1px solid var(--rule)}
    h3{font-size:1.05rem;margin:1.5rem 0 .5rem}
    h3 small,.lead-in,figcaption span{color:var(--muted);font-weight:400}
    p,ul{max-width:46rem}.lead-in{margin:0 0 .5rem}
    a{color:var(--link)}
    code{font:.9em ui-monospace,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
    nav{margin:1rem 0;display:flex;flex-wrap:wrap;gap:.25rem 1rem}
    summary{cursor:pointer;margin:1rem 0 .5rem;color:var(--link)}
    """

  private static let boxes: Markup = """
    dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:1rem 0}
    dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
    .box{border-left:4px solid var(--rule);background:var(--panel);padding:.5rem 1rem;
    margin:1rem 0;border-radius:3px;max-width:52rem}
    .box.warn,.note{border-left-color:var(--warn-rule);background:var(--warn)}
    .box h2,.box h3{border:0;margin:0;padding:0;font-size:1.05rem}.box p,.box ul{margin:.35rem 0}
    .note{border-left:4px solid var(--warn-rule);padding:.25rem .75rem;margin:.35rem 0;
    font-size:.9rem;border-radius:3px}
    main,.panels{display:grid;gap:0 2rem;
    grid-template-columns:repeat(auto-fill,minmax(min(100%,400px),1fr))}
    .panels{row-gap:1.25rem}main section{min-width:0}.wide{grid-column:1/-1}
    figure{margin:0;min-width:0;break-inside:avoid}
    figure svg{display:block;width:100%;max-width:560px;height:auto;margin-top:.4rem}
    figcaption{font-weight:600;font-size:.95rem}
    .scroll{overflow-x:auto}
    table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;
    margin:.5rem 0 1.5rem}
    caption{text-align:left;font-weight:600;padding:.3rem 0}
    th,td{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid var(--grid);
    font-weight:400;vertical-align:top}
    td.number,th.number{text-align:right;white-space:nowrap}
    thead th{color:var(--muted)}
    tr.ours th,tr.ours td:first-child,.ours-name{font-weight:700;color:var(--o0)}
    """

  /// On paper everything is unfolded.
  private static let print: Markup = """
    @media print{body{max-width:none;padding:0;font-size:10pt}nav{display:none}
    details::details-content{content-visibility:visible;block-size:auto}
    main,.panels{grid-template-columns:1fr 1fr;column-gap:1rem}h2,h3{break-after:avoid}}
    """
}

extension ChartStyle {
  /// For a page with charts of all kinds.
  var sheet: Markup { "\n" + bars + "\n" + curves }
}
