#!/usr/bin/env bash
# slurm_down.sh FOLDER: end the private Slurm of slurm_up.sh and its jobs. By its own pid files, never by name.
set -uo pipefail

top=$(cd "$1" && pwd -P) || exit 1
if [ -f "$top/env" ]; then
    # shellcheck source=/dev/null
    source "$top/env"
    timeout 10 scancel --user="$(id -un)" 2>/dev/null
    for ((end = SECONDS + 40; SECONDS < end; )); do # KillWait is 30 s
        [ -n "$(timeout 5 squeue -h 2>/dev/null)" ] || break
        sleep 0.1
    done
fi

# A job whose node was declared down while it lived has nobody any more who would end it.
for process in /proc/[0-9]*; do
    if environment=$(tr '\0' '\n' 2>/dev/null <"$process/environ") && grep -qxF "SLURM_CONF=$top/slurm.conf" <<<"$environment" &&
        grep -q '^SLURM_JOB_ID=' <<<"$environment"; then
        kill -9 "${process#/proc/}" 2>/dev/null
    fi
done

pids=$(cat "$top"/run/slurmd.*.pid "$top"/run/slurmctld.pid "$top"/munge/pid 2>/dev/null)
# A daemon is its pid and its configuration: a pid alone may be someone else's by now.
running() {
    for pid in $pids; do
        if tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "$top/"; then echo "$pid"; fi
    done
}
# shellcheck disable=SC2046
kill $(running) 2>/dev/null
for ((end = SECONDS + 20; SECONDS < end; )); do
    [ -n "$(running)" ] || exit 0
    sleep 0.1
done
echo "slurm_down.sh: killing what did not end: $(running | xargs)" >&2
# shellcheck disable=SC2046
kill -9 $(running)
