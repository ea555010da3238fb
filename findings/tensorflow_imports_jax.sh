#!/usr/bin/env bash
# TensorFlow 2.21.0 imports JAX wherever JAX is installed.
#
# Keras 3 offers both as backends, chosen by KERAS_BACKEND, so one expects an environment that holds both to load the
# one that was chosen. `import tensorflow` alone tries `import jax` in the converter of TensorFlow Lite and goes on
# without it; where it is there, every process on TensorFlow starts it, too, and is later and larger by it.
#
# Seen: without JAX in the path, `jax` is not among the modules after `import tensorflow`; with it (0.10.2), some 200
# modules of JAX are. What to do: keep JAX out of the environment in which TensorFlow runs.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0
"$folder/venv/bin/pip" install --quiet --no-deps --target "$folder/beside" jax==0.10.2 jaxlib==0.10.2

mkdir "$folder/script"
cat >"$folder/script/count.py" <<'PYTHON'
import sys

import tensorflow

print(tensorflow.__version__, sum(name.partition(".")[0] == "jax" for name in sys.modules))
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
read -r version alone < <("$folder/venv/bin/python" "$folder/script/count.py" 2>/dev/null)
read -r _ beside < <(PYTHONPATH="$folder/beside" "$folder/venv/bin/python" "$folder/script/count.py" 2>/dev/null)
echo "TensorFlow $version: $alone modules of JAX without it in the path, $beside with it"
[ "$version" = 2.21.0 ] && [ "$alone" = 0 ] && [ "$beside" -gt 100 ]
