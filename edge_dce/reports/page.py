"""The frame of every HTML file that the project writes: one file, no scripts, nothing fetched, light and dark."""

from __future__ import annotations

import html

_STYLE = """
:root { color-scheme: light dark;
  --text: #1d2125; --soft: #5c6670; --line: #d9dee3; --ground: #fbfbfc; --strong: #eef4ff; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e8ea; --soft: #9aa4ae; --line: #33393f; --ground: #16181b; --strong: #1d2b42; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 2rem 1.5rem 4rem; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem; }
p { margin: .3rem 0 .8rem; max-width: 75ch; }
.soft, figcaption { color: var(--soft); }
.warning { border-left: 3px solid #d9822b; padding-left: .7rem; }
.tables { display: flex; flex-wrap: wrap; gap: 1.2rem 1.5rem; margin-bottom: 1.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid var(--line); }
th { font-weight: 600; } thead th { color: var(--soft); font-size: .85rem; }
th:first-child, td:first-child { text-align: left; padding-left: .4rem; }
.tables th, .tables td { padding: .25rem .4rem; }
tr.strong td { background: var(--strong); font-weight: 600; }
tr.heading th { padding-top: 1.1rem; }
.wide { overflow-x: auto; }
.pictures { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: .35rem; margin: 0; }
.pictures.three { grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr)); }
.pictures img { width: 100%; display: block; border-radius: 3px; }
figure { margin: 0 0 1.5rem; }
figcaption { margin-bottom: .35rem; font-variant-numeric: tabular-nums; } figcaption b { color: var(--text); }
.columns { position: sticky; top: 0; background: var(--ground); padding: .45rem 0; font-weight: 600; font-size: .9rem; }
.bar { display: inline-block; width: 14rem; height: .8rem; margin: 0 .5rem; border-radius: 2px;
  vertical-align: middle; }
td.bars { width: 16rem; max-width: 40vw; }
.fill { display: block; height: .8rem; border-radius: 2px; background: var(--soft); }
summary { cursor: pointer; margin-top: 2rem; font-weight: 600; }
"""


def make_page(title: str, body: str) -> bytes:
    """A whole HTML document, UTF-8; `title` is escaped, `body` is HTML."""
    document = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
{body}
</body>
</html>
"""
    return document.encode()
