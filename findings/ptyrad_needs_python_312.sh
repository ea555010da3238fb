#!/usr/bin/env bash
# PtyRAD 1.0.0: its metadata allow Python 3.10 and later, its source needs 3.12.
#
# pip installs it on Python 3.11 (`Requires-Python: >=3.10`). One file of its plots has an f-string with its own kind
# of quote inside the braces, which Python reads since 3.12; before, it is a SyntaxError, and so is every import that
# leads there, its solver's among them. One would expect pip to refuse an interpreter that cannot read the package.
#
# Seen, with Python 3.11: pip installs, and of all files `plotting/basic.py` alone does not compile. What to do: use
# Python 3.12 or later. This script wants 3.11.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps --no-compile ptyrad==1.0.0

"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata
import sys
from pathlib import Path

package = importlib.metadata.distribution("ptyrad")
print(f"Python {sys.version_info.major}.{sys.version_info.minor}, asked for {package.metadata['Requires-Python']}")
assert package.metadata["Requires-Python"] == ">=3.10"
folder = Path(package.locate_file("ptyrad"))
wrong = []
for path in sorted(folder.rglob("*.py")):
    try:
        compile(path.read_text(encoding="utf-8"), str(path), "exec")
    except SyntaxError as error:
        wrong.append(path.relative_to(folder).as_posix())
        print(f"{wrong[-1]}: {error.msg}")
assert wrong == ["plotting/basic.py"]
PYTHON
