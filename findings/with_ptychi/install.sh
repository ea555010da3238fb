# Sourced by the findings on pty-chi: makes "$python", which has pty-chi 2.2.0, in a folder that goes at the end.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
python=$folder/venv/bin/python
"$python" -m pip install --quiet torch==2.13.0 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 pydantic==2.14.3 \
    scikit-learn==1.9.1 matplotlib==3.11.2 h5py==3.14.0 tifffile==2026.3.3 tqdm==4.70.1
"$python" -m pip install --quiet --no-deps ptychi==2.2.0

# pty-chi imports one blur from torchvision, which none of the findings uses; torchvision's wheel is linked to a CUDA
# build of torch and does not load beside another one.
mkdir -p "$folder/modules/torchvision"
touch "$folder/modules/torchvision/__init__.py"
echo "GaussianBlur = None" >"$folder/modules/torchvision/transforms.py"
export PYTHONPATH=$folder/modules:$here OMP_NUM_THREADS=1
