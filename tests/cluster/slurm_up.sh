#!/usr/bin/env bash
# slurm_up.sh FOLDER: start a private Slurm on loopback: two virtual nodes, a pretended GPU, everything below FOLDER.
#
# Node cpu1 has the default partition `cpu`, node gpu1 the partition `gpu`: on one node, a GPU job that waits would
# reserve it and hold up the others. Needs no systemd, no cgroups, no database, no root, and writes nothing to /etc.
# `source FOLDER/env` makes it the Slurm of a shell. slurm_down.sh FOLDER stops it, also after a start that failed.
set -euo pipefail

mkdir -p "$1"
top=$(cd "$1" && pwd -P)
chmod 711 "$top" # munged wants its socket reachable; a folder of mktemp -d is not
mkdir -p "$top"/{bin,log,munge,run,state,spool/cpu1,spool/gpu1}
export PATH=$PATH:/usr/sbin:/sbin
host=$(hostname -s)
# Three ports that are free now, below the range that the kernel gives to others meanwhile.
read -r control first second < <(python3 - <<'PYTHON'
import random
import socket

free = []
for port in random.sample(range(20000, 32000), 200):
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            free.append(port)
print(*free[:3])
PYTHON
)

cat >"$top/slurm.conf" <<CONF
ClusterName=private
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$control
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny,DisableIPv6
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
CredType=cred/munge
# A job that is queued again waits for its old credential to expire: 120 s at a site.
AuthInfo=socket=$top/munge/socket,cred_expire=10
StateSaveLocation=$top/state
SlurmdSpoolDir=$top/spool/%n
SlurmctldPidFile=$top/run/slurmctld.pid
SlurmdPidFile=$top/run/slurmd.%n.pid
SlurmctldLogFile=$top/log/slurmctld.log
SlurmdLogFile=$top/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
AccountingStorageType=accounting_storage/none
# One line for each job that ended: what the test reads.
JobCompType=jobcomp/filetxt
JobCompLoc=$top/log/jobs.txt
MinJobAge=600
KillWait=30
ReturnToService=2
GresTypes=gpu
# What is written here holds, whatever the machine has: nothing is measured or enforced.
SlurmdParameters=config_overrides
NodeName=cpu1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$first CPUs=2 RealMemory=64000
NodeName=gpu1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$second CPUs=2 RealMemory=64000 Gres=gpu:1
PartitionName=cpu Nodes=cpu1 Default=YES MaxTime=INFINITE DefMemPerCPU=500
PartitionName=gpu Nodes=gpu1 MaxTime=INFINITE DefMemPerCPU=500
CONF
# Without a device file slurmd counts no GPU; any device will do.
printf 'AutoDetect=off\nNodeName=gpu1 Name=gpu Count=1 File=/dev/null\n' >"$top/gres.conf"

# Inside a job, Snakemake's job step starts srun without SLURM_CONF; a real site has its configuration in /etc/slurm.
printf '#!/bin/sh\nSLURM_CONF=%q exec %q "$@"\n' "$top/slurm.conf" "$(command -v srun)" >"$top/bin/srun"
chmod +x "$top/bin/srun"
printf 'export SLURM_CONF=%q PATH=%q:$PATH\n' "$top/slurm.conf" "$top/bin" >"$top/env"
# shellcheck source=/dev/null
source "$top/env"

(umask 077 && head -c 128 /dev/urandom >"$top/munge/key")
chmod 711 "$top/munge"
munged --key-file="$top/munge/key" --socket="$top/munge/socket" --pid-file="$top/munge/pid" \
    --log-file="$top/log/munged.log" --seed-file="$top/munge/seed"
slurmctld -f "$SLURM_CONF"
for node in cpu1 gpu1; do
    slurmd -f "$SLURM_CONF" -N "$node"
done

for ((end = SECONDS + 30; SECONDS < end; )); do
    if [ "$(timeout 5 sinfo -h -o %T 2>/dev/null | sort -u)" = idle ]; then
        exit 0
    fi
    sleep 0.1
done
echo "slurm_up.sh: Slurm did not come up" >&2
tail -n 20 "$top"/log/*.log >&2
exit 1
