"""Command lines: what they take (arguments) and what they say, and where (console)."""
