#!/usr/bin/env bash
# snakemake-executor-plugin-slurm 2.8.0: the guess of a user's account cannot succeed.
#
# Where no slurm_account is set, the plug-in looks for the account of recent jobs: `sacct ... -o Account%256 | tail -1`.
# It splits that line into words and starts sacct without a shell. So sacct itself gets the words `|`, `tail` and `-1`:
# real ones refuse the last ("invalid option -- '1'"), and the guess is None although accounting knows the account.
# One would expect the account of the last job.
#
# Seen: `arguments: -nu USER -o Account%256 | tail -1` and `guess: None`. What to do: set slurm_account.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet snakemake==9.27.1 snakemake-executor-plugin-slurm==2.8.0

# A sacct as its manual page describes it: it knows one account, and no option -1.
mkdir "$folder/bin"
cat >"$folder/bin/sacct" <<'SACCT'
#!/bin/sh
echo "arguments: $*" | sed "s/$(id -un)/USER/" >"$(dirname "$0")/arguments"
for word; do
    [ "$word" != -1 ] || { echo "sacct: invalid option -- '1'" >&2; exit 1; }
done
echo "                    laboratory"
SACCT
chmod +x "$folder/bin/sacct"

export PATH="$folder/bin:$PATH"
test "$(sacct -nu "$(id -un)" -o Account%256 | tail -1 | tr -d ' ')" = laboratory # what the plug-in means
guess=$("$folder/venv/bin/python" -c '
import logging
from snakemake_executor_plugin_slurm.accounts import get_account
print("guess:", get_account(logging.getLogger()))
' 2>/dev/null)
cat "$folder/bin/arguments"
echo "$guess"
grep -qF -- '-o Account%256 | tail -1' "$folder/bin/arguments"
test "$guess" = "guess: None"
