"""Every file format, read and written: atomic writers, strict readers. The only place that opens a data file."""

from ptychostudy.io.archive import read_bundle, write_bundle
from ptychostudy.io.arrays import Stream, member_names, open_frames, read_metadata, read_npz, write_npz
from ptychostudy.io.atomic import DataError, atomic, check_sums, sha256_of
from ptychostudy.io.picture import read_image
from ptychostudy.io.progress import Progress
from ptychostudy.io.scan import Scan, check_scan, open_scan, read_user_scan
from ptychostudy.io.text import (
    read_csv,
    read_json,
    read_text,
    write_csv,
    write_figure,
    write_json,
    write_text,
)

__all__ = [
    "DataError",
    "Progress",
    "Scan",
    "Stream",
    "atomic",
    "check_scan",
    "check_sums",
    "member_names",
    "open_frames",
    "open_scan",
    "read_bundle",
    "read_csv",
    "read_image",
    "read_json",
    "read_metadata",
    "read_npz",
    "read_text",
    "read_user_scan",
    "sha256_of",
    "write_bundle",
    "write_csv",
    "write_figure",
    "write_json",
    "write_npz",
    "write_text",
]
