"""The table of `docs/speed.md`, which is a function of `results.json` and of nothing else.

python bench/table.py     writes it anew between its two marks
"""

import json
from pathlib import Path

from groups import GROUPS

RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).resolve().parent.parent / "docs/speed.md"
FIRST, LAST = "<!-- table of bench/results.json: begin -->", "<!-- table of bench/results.json: end -->"
HEAD = "| what | takes | beside | takes | ratio | turns |\n|---|---|---|---|---|---|"


def main():
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), json.loads(RESULTS.read_text())), encoding="utf-8")


def filled(page, results):
    """Return a page with the table of results between its marks."""
    before, rest = page.split(FIRST)
    _, after = rest.split(LAST)
    return f"{before}{FIRST}\n\n{text(results)}\n\n{LAST}{after}"


def text(results):
    """Return date and machine, and a table for each group."""
    parts, same_day = [machine_line(results)], len(set(results["dates"].values())) == 1
    for group, (title, how) in GROUPS.items():
        rows = [row for row in results["rows"] if row["group"] == group]
        if rows:
            said = how if same_day else f"{how} Measured on {results['dates'][group]}."
            parts += [f"### {title}", said, "\n".join([HEAD, *map(line, rows)])]
    return "\n\n".join(parts)


def machine_line(results):
    """Return the sentences on the machine."""
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    extensions = ", ".join(machine["instructions"]) or "none of those asked for"
    days = sorted(set(results["dates"].values()))
    when = f"on {days[0]}" if len(days) == 1 else f"from {days[0]} to {days[-1]}"
    return f"Measured {when} on {machine['processor']}, {machine['cores']} cores ({extensions}). {versions}."


def line(row):
    """Return a line of the table."""
    if "missing" in row:
        return f"| {row['row']} | not measured: {row['missing']} | | | | |"
    mine = amount(row["value"], row["unit"], row.get("rate"))
    if "beside" not in row:
        return f"| {row['row']} | {mine} | | | | {row['turns']} |"
    beside = f"{row['kind']}: {row['beside']}"
    other = amount(row["beside_value"], row["unit"], row.get("beside_rate"))
    return f"| {row['row']} | {mine} | {beside} | {other} | {digits(row['ratio'])} | {row['turns']} |"


def amount(value, unit, rate=None):
    """Return a number with its unit, milliseconds where it is small."""
    if unit.endswith("s") and value < 0.1:
        value, unit = 1e3 * value, unit[:-1] + "ms"
    shown = f"{digits(value)} {unit}"
    return f"{shown} ({rate})" if rate else shown


def digits(value):
    """Return three digits, no exponent."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


if __name__ == "__main__":
    main()
