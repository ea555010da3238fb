"""Write a Snakefile of the same jobs and files as a study and nothing else: what is Snakemake's own.

A dry run on standard input, a folder as argument. Rules have the names, inputs, outputs, logs and benchmarks of
ours; no configuration, package, module, environment, parameter or resource.
"""

import json
import re
import sys
from pathlib import Path

from ptychostudy.runs import snakemake_log

# A value stands alone in a path, or behind the letters of `gs`.
WORD = r"(?:(?<=gs)|(?<![A-Za-z0-9])){}(?![A-Za-z0-9])"


def pattern(path, wildcards):
    """Return a path with the values of wildcards replaced by their names."""
    for name, value in wildcards.items():
        path = re.sub(WORD.format(re.escape(value)), f"{{{name}}}", path)
    return path


def paths(values, part):
    """Return the files that a job has of one kind."""
    return [path for path in values.get(part, "").split(", ") if path]


def read_by(name, jobs, listed):
    """Return what stands behind `input:`: patterns that fit all jobs of a rule, or else a look-up of each job's."""
    cells = [snakemake_log.wildcards_of(values) for values in jobs]
    inputs = [paths(values, "input") for values in jobs]
    patterns = [pattern(path, cells[0]) for path in inputs[0]]
    if all([path.format(**cell) for path in patterns] == read for cell, read in zip(cells, inputs, strict=True)):
        return repr(patterns)
    listed[name] = {key(cell): read for cell, read in zip(cells, inputs, strict=True)}
    return f"lambda wildcards: LISTED[{name!r}][','.join(sorted(v for _, v in wildcards.items()))]"


def key(wildcards):
    """Return the text by which the files of a job are looked up."""
    return ",".join(sorted(wildcards.values()))


def rule(name, jobs, listed):
    """Return the text of a rule."""
    lines = [f"rule {name}:", f"    input: {read_by(name, jobs, listed)}"]
    wildcards = snakemake_log.wildcards_of(jobs[0])
    for part in ("output", "log", "benchmark"):
        made = [pattern(path, wildcards) for path in paths(jobs[0], part)]
        lines += [f"    {part}: {', '.join(map(repr, made))}"] if made else []
    lines += ["    shell: 'cat {input} > {output}'"] if paths(jobs[0], "output") else ["    localrule: True"]
    return "\n".join(lines)


def main(folder):
    """Write the Snakefile, targets first, and what its look-ups read."""
    jobs, values_of, listed = {}, {}, {}
    for name, values in snakemake_log.planned(sys.stdin.read()):
        jobs.setdefault(name, []).append(values)
        for wildcard, value in snakemake_log.wildcards_of(values).items():
            values_of.setdefault(wildcard, {})[value] = None
    limits = [f"    {name}={'|'.join(map(re.escape, values))!r}," for name, values in values_of.items()]
    rules = [rule(name, jobs[name], listed) for name in sorted(jobs, key=lambda name: name != "all")]
    (folder / "listed.json").write_text(json.dumps(listed))
    head = [f"import json\nLISTED = json.load(open({str(folder / 'listed.json')!r}))", "wildcard_constraints:"]
    (folder / "Snakefile").write_text("\n".join([*head, *limits, *rules, ""]))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
