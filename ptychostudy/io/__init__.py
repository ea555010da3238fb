"""Safe bytes: atomic writers and strict readers of arrays, HDF5, zips, JSON, tables and text."""
