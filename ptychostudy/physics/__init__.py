"""Physics: windows, propagation, photon counts, canvases, probes, objects and scans; pure functions of arrays."""
