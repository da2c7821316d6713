"""The looks of the HTML report: one column on a phone, dark at night."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --paper: #ffffff; --ink: #1b1f24; --quiet: #565e68;
  --rule: #d9dde2; --pale: #e4e7eb; --first: #0068a8; --second: #b84a00;
  --shade: #00000033;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101418; --paper: #1a1f25; --ink: #e8ebee; --quiet: #a3adb8;
    --rule: #343b44; --pale: #2b323a; --first: #5bb8f0; --second: #f2a03d;
    --shade: #000000aa;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 0 1rem 2rem; background: var(--page);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif;
}
header, main, footer { max-width: 70rem; margin: 0 auto; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1.5rem 0 1rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .25rem; }
h3 { font-size: 1rem; margin: 0; }
h1, h2, h3, li, dd, td, figcaption { overflow-wrap: anywhere; }
p { margin: .25rem 0 .75rem; max-width: 45rem; }
footer, p, .quiet { color: var(--quiet); }
footer { margin-top: 2rem; font-size: .875rem; }
ul, dl, dd, figure { margin: 0; padding: 0; list-style: none; }
.box {
  background: var(--paper); border: 1px solid var(--rule);
  border-radius: .5rem; padding: .75rem 1rem;
}
.grid {
  display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr));
}
.pair { display: flex; flex-wrap: wrap; gap: .75rem; align-items: start; }
.pair > figure { flex: 1 1 19rem; max-width: 27rem; }
.pair > div { flex: 2 1 19rem; min-width: 0; }
.cards {
  display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr));
}
.cards .box { padding: .6rem .75rem; }
.cards dt { color: var(--quiet); font-size: .875rem; }
.cards dd b { display: block; font-size: 1.5rem; line-height: 1.3; }
.layers { columns: 26rem; column-gap: 2.5rem; }
.layers li { break-inside: avoid; padding: .3rem 0; }
.row { display: flex; flex-wrap: wrap; gap: 0 .75rem; align-items: baseline; }
.row > :last-child { margin-left: auto; }
.meter {
  height: .6rem; background: var(--pale); border-radius: .2rem;
  overflow: hidden; margin: .15rem 0;
}
.meter i { display: block; height: 100%; background: var(--first); }
.chart { display: block; width: 100%; max-width: 32rem; margin: .25rem auto 0; }
.chart.small { max-width: 22rem; margin-top: .75rem; }
.chart text { font: 12px system-ui, sans-serif; fill: var(--quiet); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.line.thin { stroke-width: 1; }
.line.d1 { stroke-dasharray: 6 3; }
.line.s0, .key.s0 { stroke: var(--first); }
.line.s1, .key.s1 { stroke: var(--second); }
.dot.s0, .bar { fill: var(--first); }
.dot.s1 { fill: var(--second); }
.grid-line { stroke: var(--rule); }
.axis { stroke: var(--quiet); }
.legend { display: flex; flex-wrap: wrap; gap: 0 1rem; font-size: .875rem; }
.key { width: 1.6em; height: .6em; margin-right: .4em; }
.scroll + p { margin-top: 1.25rem; }
.short { max-width: 32rem; }
.short tbody th { white-space: normal; }
.scroll {
  overflow-x: auto; padding: 0;
  /* A shadow at the side where there is more to see. */
  background:
    linear-gradient(to right, var(--paper) 40%, transparent) left / 3rem 100%,
    linear-gradient(to left, var(--paper) 40%, transparent) right / 3rem 100%,
    linear-gradient(to right, var(--shade), transparent) left / 1rem 100%,
    linear-gradient(to left, var(--shade), transparent) right / 1rem 100%;
  background-attachment: local, local, scroll, scroll;
  background-color: var(--paper); background-repeat: no-repeat;
}
.scroll:focus-visible { outline: 2px solid var(--first); }
table { border-collapse: collapse; font-size: .9375rem; width: 100%; }
th, td {
  padding: .4rem .9rem; text-align: right; white-space: nowrap;
  border-top: 1px solid var(--rule); font-variant-numeric: tabular-nums;
}
thead th { border-top: 0; color: var(--quiet); font-weight: 600; }
tr > :first-child { text-align: left; }
tbody th { font-weight: 600; }
tr.total > * { border-top: 2px solid var(--quiet); }
.notes li { padding: .3rem 0; }
@media print {
  body { background: none; }
  .box { break-inside: avoid; }
}
"""
