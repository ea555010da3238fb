"""Figures: arrays and dicts in, a matplotlib Figure out. The only importer of matplotlib; no files, no global state."""
