#!/usr/bin/env bash
# A dry run of the quick study beside Snakemake's own start: what the check of the configuration and 63 jobs add.
set -euo pipefail
cd "$(dirname "$0")/.."
hub=$(mktemp -d)
trap 'rm -rf "$hub"' EXIT
TIMEFORMAT=%R
for _ in 1 2 3; do
    own=$({ time snakemake --version >/dev/null; } 2>&1)
    ours=$({ time snakemake -n --directory "$hub" >/dev/null 2>&1; } 2>&1)
    printf 'snakemake --version %s s   snakemake -n, 63 jobs %s s   ratio %s\n' "$own" "$ours" \
        "$(python3 -c "print(round($ours / $own, 1))")"
done
