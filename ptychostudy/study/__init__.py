"""A study: its settings, the names of its arms and columns, and where its files lie."""
