"""Command lines: what they take (arguments), what they say (console), programs of other packages (doors)."""
