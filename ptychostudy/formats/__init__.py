"""File formats, one a module: scans, bundles, products, pictures. Import the module itself."""
