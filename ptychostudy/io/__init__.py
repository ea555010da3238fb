"""The machine's side: safe writers and strict readers of files, and whether there is a GPU."""
