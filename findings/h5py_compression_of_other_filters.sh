#!/usr/bin/env bash
# h5py 3.14.0: `compression` says None of data that are compressed by any filter but gzip, lzf and szip.
#
# Detectors write bitshuffle + LZ4, a registered filter of HDF5. The documentation gives None the meaning that
# compression is not enabled. One would expect the filter's number, or an error, but not that; with the filter's
# plug-in loaded or without.
#
# Seen: a data set of 80000 bytes in less than 40000 has `compression` None, and `shuffle` False; the file's own list
# of filters holds 32008. What to do: ask `dataset.id.get_create_plist()` for its filters.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 h5py==3.14.0 hdf5plugin==7.1.0

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import h5py
import hdf5plugin
import numpy as np

values = np.arange(10000).reshape(10, 1000)
kinds = {"gzip": {"compression": "gzip"}, "bitshuffle": hdf5plugin.Bitshuffle(cname="lz4")}
found = {}
with h5py.File("frames.h5", "w") as file:
    for name, options in kinds.items():
        data = file.create_dataset(name, data=values, chunks=(1, 1000), **options)
        file.flush()
        created = data.id.get_create_plist()
        filters = [created.get_filter(i)[0] for i in range(created.get_nfilters())]
        found[name] = data.compression, filters, data.id.get_storage_size()
        print(f"{name}: compression {data.compression}, filters {filters}, {found[name][2]} of {values.nbytes} bytes")
        assert np.array_equal(data[()], values)
        assert data.id.get_storage_size() < values.nbytes / 2
assert found["gzip"][:2] == ("gzip", [h5py.h5z.FILTER_DEFLATE])
assert found["bitshuffle"][:2] == (None, [32008])
PYTHON
