#!/usr/bin/env bash
# chromium_install.sh: print the path of a Chromium, installed if need be; exit status 1 with the reason where there is none.
set -uo pipefail
export DEBIAN_FRONTEND=noninteractive

found() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
found && exit 0
if [ "$(id -u)" != 0 ]; then
    echo "no Chromium on this machine, and only root can install the package chromium" >&2
elif ! command -v apt-get >/dev/null; then
    echo "no Chromium on this machine, and no apt-get to install the package chromium with" >&2
elif ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null; then
    echo "no Chromium on this machine, and apt-get could not install the package chromium" >&2
else
    found && exit 0
fi
exit 1
