#!/usr/bin/env bash
# cancel_orphans.sh [--jobs-only] [HUB]: after Snakemake was killed, cancel the Slurm jobs it left behind in HUB (default:
# here), wait until they are gone and unlock the hub. Without this, the next run submits twins that write the same files.
# The workflow does the first part by itself at its start (--jobs-only); by hand it is for a run that is not continued.
set -euo pipefail

jobs_only=
if [ "${1:-}" = --jobs-only ]; then
    jobs_only=yes
    shift
fi
hub=$(cd "${1:-.}" && pwd -P)
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
prefix=$(sed -n 's/^slurm-jobname-prefix: *//p' "$root/profiles/slurm/config.v9+.yaml")

# Snakemake within a job says --mode; one without it steers the jobs, and what it steers are no orphans.
for process in /proc/[0-9]*; do
    [ -z "$jobs_only" ] || break # the Snakefile has made sure
    command=$(tr '\0' ' ' 2>/dev/null <"$process/cmdline") || continue
    if [[ $command == *snakemake* && $command != *" --mode "* && $command == *python* &&
        $(readlink "$process/cwd" || true) == "$hub" ]]; then
        echo "cancel_orphans.sh: Snakemake is at work in $hub (process ${process#/proc/}); end it first" >&2
        exit 1
    fi
done

orphans() {
    squeue --noheader --user="$(id -un)" --format='%A|%Z|%j' |
        awk -F'|' -v hub="$hub" -v name="${prefix}_" '$2 == hub && index($3, name) == 1 {print $1}' | sort -un
}

found=$(orphans)
if [ -n "$found" ]; then
    echo "cancelling" $found
    # shellcheck disable=SC2086
    scancel $found
fi
for ((end = SECONDS + 300; SECONDS < end; )); do
    if [ -z "$(orphans)" ]; then
        [ -z "$jobs_only" ] || exit 0
        exec snakemake --snakefile "$root/Snakefile" --directory "$hub" --unlock
    fi
    sleep 1
done
echo "cancel_orphans.sh: after five minutes still there:" $(orphans) >&2
exit 1
