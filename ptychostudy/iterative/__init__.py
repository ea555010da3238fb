"""The iterative arm: pty-chi, arrays in and arrays out. The only importer of torch and ptychi."""
