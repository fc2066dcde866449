"""Style the site: readable at 320 pixels, on paper, in the dark and by keyboard."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --quiet: #4d5560; --line: #c3c9d1; --link: #0b57a4; --tint: #f2f5f9; --warm: #8a3b00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --paper: #15181c; --quiet: #b3bac4; --line: #474e58; --link: #8ec5ff; --tint: #20252b; --warm: #ffb37a; }
}
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--paper); font: 1rem/1.55 system-ui, sans-serif; }
header, main, footer { max-width: 66rem; margin: 0 auto; padding: 0.75rem 1rem; }
header { border-bottom: 1px solid var(--line); }
footer { border-top: 1px solid var(--line); color: var(--quiet); margin-top: 2rem; font-size: 0.9rem; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; list-style: none; margin: 0; padding: 0; }
a { color: var(--link); text-underline-offset: 0.15em; overflow-wrap: anywhere; }
a:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
a[aria-current] { font-weight: 700; text-decoration: none; color: var(--ink); }
.skip { position: absolute; left: -99rem; }
.skip:focus { position: static; display: inline-block; padding: 0.5rem 1rem; }
h1 { font-size: 1.7rem; line-height: 1.2; }
h2 { font-size: 1.3rem; margin-top: 2rem; }
h3 { font-size: 1.05rem; margin: 0 0 0.25rem; }
h1, h2, h3, dd, li, p, caption { overflow-wrap: anywhere; }
code { font-size: 0.88em; color: var(--quiet); font-weight: 400; }
pre { background: var(--tint); padding: 0.75rem; overflow-x: auto; font-size: 0.85rem; }
pre code { color: var(--ink); }
.term { border-top: 1px solid var(--line); padding: 0.9rem 0; }
.term p { margin: 0.25rem 0; max-width: 46rem; }
dl { display: grid; grid-template-columns: minmax(7rem, 12rem) 1fr; gap: 0.2rem 1rem; margin: 0.5rem 0 0; }
dt { color: var(--quiet); }
dd { margin: 0; min-width: 0; }
dd ul, li ul, td ul { margin: 0; padding-left: 1.1rem; }
.scroll { overflow-x: auto; margin: 0.75rem 0; }
.scroll:has(> svg) { margin: 0; }
table { border-collapse: collapse; width: 100%; font-size: 0.93rem; }
caption { text-align: left; font-weight: 600; padding: 0.25rem 0; }
th, td { border-bottom: 1px solid var(--line); padding: 0.35rem 0.6rem 0.35rem 0; text-align: left; vertical-align: top; min-width: 4.5rem; }
tbody th { font-weight: 400; min-width: 11rem; }
@media (max-width: 36rem) {
  dl { display: block; }
  dd { margin: 0 0 0.4rem 1rem; }
  tbody th { min-width: 6rem; }
}
.note { border-left: 4px solid var(--warm); padding: 0.25rem 0.9rem; background: var(--tint); max-width: 50rem; }
.deprecated h3 { text-decoration: line-through; }
.columns { columns: 17rem; column-gap: 2rem; padding-left: 1.1rem; }
svg { display: block; max-width: none; height: auto; font: 13px system-ui, sans-serif; }
svg text { fill: var(--ink); }
svg a text { fill: var(--link); text-decoration: underline; }
svg .quiet { fill: var(--quiet); }
svg .box { fill: var(--tint); stroke: var(--line); }
svg .lane { fill: none; stroke: var(--line); }
svg .line { fill: none; stroke: var(--quiet); stroke-width: 1.2; }
svg .head { fill: var(--quiet); }
@media print {
  :root { --ink: #000; --paper: #fff; --quiet: #333; --line: #999; --link: #000; --tint: #fff; --warm: #000; }
  header, .skip { display: none; }
  .term, tr, li { break-inside: avoid; }
  .scroll { overflow: visible; }
  svg { width: 100%; }
  a { text-decoration: none; }
}
"""
"""The one style sheet, which every page carries in itself."""
