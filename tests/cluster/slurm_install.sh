#!/usr/bin/env bash
# slurm_install.sh: see to it that Slurm and munge are installed; exit status 1 with the reason where that is not possible.
set -uo pipefail
export PATH=$PATH:/usr/sbin:/sbin DEBIAN_FRONTEND=noninteractive

missing=$(for tool in slurmctld slurmd sbatch munged; do command -v "$tool" >/dev/null || echo "$tool"; done | xargs)
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "no $missing on this machine, and only root can install the packages slurm-wlm and munge" >&2
elif ! command -v apt-get >/dev/null; then
    echo "no $missing on this machine, and no apt-get to install slurm-wlm and munge with" >&2
elif ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends slurm-wlm munge; } >/dev/null; then
    echo "no $missing on this machine, and apt-get could not install slurm-wlm and munge" >&2
else
    exit 0
fi
exit 1
