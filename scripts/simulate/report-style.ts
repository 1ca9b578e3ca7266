/** The style sheet of `report.html`: light and dark by the reader's setting, and a print layout. */

export const reportStyle = `
:root {
  color-scheme: light dark;
  --ground: #f6f5f1; --paper: #ffffff; --ink: #1c2321; --faint: #66706c; --rule: #e0ded6;
  --accent: #0f6b5c; --accent-soft: #cfe5df; --alarm: #b3402a; --alarm-soft: #f6ddd6;
  --banner: #f3c64b; --banner-ink: #2b2100;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #121615; --paper: #1a201e; --ink: #e7ebe8; --faint: #98a39e; --rule: #2d3532;
    --accent: #58c2ab; --accent-soft: #24443d; --alarm: #f08a72; --alarm-soft: #4a2820;
    --banner: #e0b23a; --banner-ink: #201800;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 3rem 1.5rem 1rem; }
h1 { font-size: clamp(1.7rem, 4vw, 2.5rem); line-height: 1.15; margin: 0.2rem 0 0.8rem; letter-spacing: -0.02em; font-weight: 650; text-wrap: balance; }
h2 { font-size: 1.2rem; margin: 0 0 1rem; letter-spacing: -0.01em; }
h3 { font-size: 1rem; margin: 0; }
p { margin: 0 0 0.6rem; }
section { margin-top: 2.75rem; }
code { font: 0.82em/1.5 ui-monospace, "SF Mono", "Cascadia Mono", "Liberation Mono", monospace; overflow-wrap: anywhere; }
.banner { background: var(--banner); color: var(--banner-ink); padding: 0.8rem 1.5rem; text-align: center; position: sticky; top: 0; z-index: 1; }
.banner strong { text-transform: uppercase; letter-spacing: 0.06em; margin-right: 0.4em; }
.eyebrow { color: var(--accent); font-weight: 600; font-size: 0.82rem; letter-spacing: 0.08em; text-transform: uppercase; margin: 0; }
.lead { font-size: 1.12rem; max-width: 44rem; margin: 0; }
.description { color: var(--faint); max-width: 44rem; margin: 0.5rem 0 0; white-space: pre-line; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 0.9rem; margin: 2rem 0 0; }
.card, figure, .scroll table { background: var(--paper); border: 1px solid var(--rule); border-radius: 12px; }
.card { padding: 1rem 1.1rem; }
.card dt { color: var(--faint); font-size: 0.85rem; }
.card dd { margin: 0.15rem 0 0; font-size: 1.75rem; font-weight: 650; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; line-height: 1.2; }
.card small { display: block; font-size: 0.8rem; font-weight: 400; letter-spacing: 0; color: var(--faint); margin-top: 0.25rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: 0.9rem; }
figure { margin: 0; padding: 1rem 1.1rem 0.6rem; }
figcaption p { color: var(--faint); font-size: 0.85rem; margin: 0 0 0.5rem; }
.chart { width: 100%; height: auto; display: block; }
.chart text, .participation text { font-size: 12px; fill: var(--faint); font-variant-numeric: tabular-nums; }
.participation .label { font-size: 13px; fill: var(--ink); }
.grid { stroke: var(--rule); stroke-width: 1; }
.line { fill: none; stroke: var(--accent); stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round; }
.dot { fill: var(--accent); stroke: var(--paper); stroke-width: 1.5; }
.scroll { overflow-x: auto; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-variant-numeric: tabular-nums; font-size: 0.94rem; }
th, td { text-align: left; padding: 0.6rem 0.9rem; border-bottom: 1px solid var(--rule); white-space: nowrap; vertical-align: middle; }
thead th { color: var(--faint); font-weight: 500; font-size: 0.82rem; }
tbody th { font-weight: 600; }
tbody:last-child tr:last-child > *, tfoot tr:last-child > * { border-bottom: 0; }
tfoot th, tfoot td { font-weight: 650; }
td.number, th.number { text-align: right; }
td code { font-size: 0.72rem; color: var(--faint); overflow-wrap: normal; }
.bar-column { width: 22%; min-width: 6rem; }
.bar { width: 100%; height: 8px; display: block; }
.track { fill: var(--rule); }
.fill { fill: var(--accent); }
.tag { background: var(--banner); color: var(--banner-ink); border-radius: 4px; padding: 0.05rem 0.4rem; font-size: 0.72rem; font-weight: 600; margin-left: 0.3rem; }
.remark, .nothing { color: var(--faint); font-size: 0.88rem; margin: 0.8rem 0 0; max-width: 48rem; }
.legend { color: var(--faint); font-size: 0.85rem; display: flex; flex-wrap: wrap; align-items: center; gap: 0.4rem; }
.key { width: 0.9rem; height: 0.9rem; border-radius: 3px; display: inline-block; margin-left: 0.9rem; }
.key:first-child { margin-left: 0; }
.key.survived { background: var(--accent); }
.key.dropped { background: var(--alarm-soft); border: 1.5px solid var(--alarm); }
.key.absent { background: transparent; border: 1.5px solid var(--rule); }
.cell.survived { fill: var(--accent); }
.cell.dropped { fill: var(--alarm-soft); stroke: var(--alarm); stroke-width: 1.5; }
.cell.absent { fill: transparent; stroke: var(--rule); stroke-width: 1.5; }
.participation .mark { fill: var(--alarm); font-size: 14px; font-weight: 700; }
.dropouts { margin: 0.8rem 0 0; padding-left: 1.2rem; font-size: 0.94rem; }
details summary { cursor: pointer; color: var(--accent); font-weight: 600; margin-bottom: 0.8rem; }
.provenance { margin: 0; display: grid; gap: 0; background: var(--paper); border: 1px solid var(--rule); border-radius: 12px; }
.provenance > div { display: grid; grid-template-columns: 9rem 1fr; gap: 1rem; padding: 0.65rem 1.1rem; border-bottom: 1px solid var(--rule); }
.provenance > div:last-child { border-bottom: 0; }
.provenance dt { color: var(--faint); }
.provenance dd { margin: 0; overflow-wrap: anywhere; }
.alarm { color: var(--alarm); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
footer { max-width: 68rem; margin: 0 auto; padding: 1.5rem; color: var(--faint); font-size: 0.85rem; }
@media (max-width: 40rem) {
  main { padding-top: 2rem; }
  .provenance > div { grid-template-columns: 1fr; gap: 0.1rem; }
}
@media print {
  :root { --ground: #fff; --paper: #fff; --ink: #000; --faint: #444; --rule: #d5d5d5; --accent: #0f6b5c; --alarm: #b3402a; --alarm-soft: #fff; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  body { font-size: 10pt; }
  section { margin-top: 1.4rem; }
  footer { padding: 0.8rem 0 0; }
  .cards { grid-template-columns: repeat(5, 1fr); gap: 0.4rem; margin-top: 1rem; }
  .card { padding: 0.5rem 0.6rem; }
  .card dd { font-size: 1.3rem; }
  .provenance > div { padding: 0.3rem 0.6rem; }
  main { padding: 0; max-width: none; }
  .banner { position: static; border: 2px solid #000; }
  .charts { grid-template-columns: repeat(3, 1fr); }
  section, figure, .card { break-inside: avoid; }
  .scroll { overflow: visible; }
  table { font-size: 9pt; }
  td, th { padding: 0.3rem 0.5rem; }
  details::details-content { content-visibility: visible; display: block; }
}
`
