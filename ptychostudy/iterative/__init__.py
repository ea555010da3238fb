"""The iterative arm: pty-chi behind arrays in, arrays out. The only importer of torch and ptychi."""
