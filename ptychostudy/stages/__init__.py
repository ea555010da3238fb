"""One file a stage: read, call, write. No mathematics."""
