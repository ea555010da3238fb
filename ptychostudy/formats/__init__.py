"""File formats, one a module: scans, bundles, products, pictures. Nothing is handed on here; import the module."""
