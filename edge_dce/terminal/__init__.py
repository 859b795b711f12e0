"""Command lines: what they take (parser, arguments), what they say and how they end (console).

doors: programs of other packages behind `edge-dce`;  child: other Pythons, run and listened to
"""
