"""What Python programs call: arrays in, arrays out, by the functions that the stages call."""
