"""Command lines: what they take (arguments), what they say and how they end (console), other programs (child)."""
