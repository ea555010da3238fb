"""What each stage does, without its files: arrays and settings in, a record out. Stages call it."""
