"""How the page looks and how its tables sort: one style sheet and one script, both inline."""

STYLE = """
:root { --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --fill: #f6f8fa; --good: #0a5c8f;
  --bad: #a33a00; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 12px 20px 48px; color: var(--ink);
  background: #fff; font: 15px/1.45 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.35rem; margin: 4px 0 8px; }
h2 { font-size: 1.15rem; margin: 28px 0 8px; border-bottom: 1px solid var(--line); }
h3, h4, h5, h6 { font-size: 1rem; margin: 16px 0 6px; }
p, ul { margin: 6px 0; }
ul { padding-left: 20px; }
a { color: var(--good); }
code { overflow-wrap: anywhere; }
.sound, .unsound { padding: 8px 12px; border-left: 6px solid var(--good); background: #eef6fb;
  font-weight: 600; }
.unsound { border-color: var(--bad); background: #fdf1ea; }
.sound a, .unsound a { font-weight: 400; }
.failed { border-left: 6px solid var(--bad); padding: 2px 12px; margin: 10px 0; }
.note, figcaption, small { color: var(--soft); font-size: 0.82rem; }
small { display: block; font-weight: 400; }
.grid { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 4px 28px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 6px 0; width: 100%; }
caption { text-align: left; font-weight: 600; padding: 4px 0; }
th, td { text-align: left; vertical-align: top; padding: 4px 8px;
  border-bottom: 1px solid var(--line); }
thead th { background: var(--fill); font-weight: 600; font-size: 0.85rem; cursor: pointer; }
thead th[aria-sort=ascending]::after { content: " \\25B2"; }
thead th[aria-sort=descending]::after { content: " \\25BC"; }
td.number { font-variant-numeric: tabular-nums; }
.chip { display: inline-block; margin: 1px 4px 1px 0; padding: 0 6px; border-radius: 4px;
  border: 1px solid var(--line); font-size: 0.85rem; white-space: nowrap; }
.chip.yes { background: var(--good); border-color: var(--good); color: #fff; }
.chip.unsure { background: #fff3cd; border-color: #b58900; }
.chip.no { background: #fff; border-style: dashed; color: var(--soft); }
figure { margin: 14px 0 22px; }
figure img { display: block; max-width: 100%; height: auto; }
details { border: 1px solid var(--line); border-radius: 6px; margin: 8px 0; padding: 4px 12px; }
summary { cursor: pointer; font-weight: 600; padding: 4px 0; }
nav a { margin-right: 14px; }
@media (max-width: 760px) {
  body { padding: 8px 12px 32px; }
  .grid { grid-template-columns: minmax(0, 1fr); }
  figure img { max-width: none; width: 760px; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  .wide { overflow: visible; }
  figure, tr { break-inside: avoid; }
  figure img { max-width: 100%; width: auto; }
  .chip.yes { color: #000; background: #fff; border: 2px solid #000; }
}
"""

SCRIPT = """
"use strict";
function value(row, column) {
  const words = row.cells[column].textContent.trim();
  const number = words.replace(/^[^0-9+.-]+/, "").replace(/(\\d) (?=\\d{3})/g, "$1");
  const parsed = parseFloat(number);
  return Number.isNaN(parsed) || /^[A-Za-z]/.test(words) ? words : parsed;
}
function compare(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other));
}
function sort(head) {
  const table = head.closest("table");
  const body = table.tBodies[0];
  const up = head.getAttribute("aria-sort") !== "ascending";
  const rows = Array.from(body.rows);
  rows.sort((a, b) => (up ? 1 : -1) * compare(value(a, head.cellIndex), value(b, head.cellIndex)));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  body.append(...rows);
}
for (const head of document.querySelectorAll("table.sortable thead th")) {
  head.tabIndex = 0;
  head.title = "sort";
  head.addEventListener("click", () => sort(head));
  head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(head); });
}
window.addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
});
"""
