"""Physics: windows, propagation, photon counts, canvases, probes, objects, scans; no files."""
