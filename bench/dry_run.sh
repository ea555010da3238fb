#!/usr/bin/env bash
# Dry runs of the quick study and of `full` beside Snakemake's own start, and beside Snakemake with the same jobs and files
# and nothing of ours: what configuration, package and rules add. User CPU seconds, in turn; the first of ours also fills the
# cache of digests.
set -euo pipefail
cd "$(dirname "$0")/.."
top=$PWD
hub=$(mktemp -d)
trap 'rm -rf "$hub"' EXIT
TIMEFORMAT=%U
user_s() { { time "$@" >/dev/null 2>&1; } 2>&1; }
plan() { snakemake -n --snakefile "$top/Snakefile" --directory "$hub" "$@"; }
for study in config full; do
    mkdir "$hub/$study"
    plan --configfile "config/$study.yaml" 2>/dev/null | PYTHONPATH=$top python bench/bare_study.py "$hub/$study"
    for _ in 1 2 3 4 5; do
        printf '%s: snakemake --version %s s   bare jobs %s s   ours %s s\n' "$study" "$(user_s snakemake --version)" \
            "$(user_s snakemake -n --snakefile "$hub/$study/Snakefile" --directory "$hub")" \
            "$(user_s plan --configfile "config/$study.yaml")"
    done
done
