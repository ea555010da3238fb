"""Users' scans on their way in: files put together, judged, and brought to the study's terms."""
