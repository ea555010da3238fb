"""The sections of a configuration, a file each: every key with its type, range, default."""
