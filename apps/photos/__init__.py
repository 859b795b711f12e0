"""Photos on a web page and for programs, over HTTP: `edge-dce web`, described in docs/web.md.

options, program    what is asked for, and the run
pages               what is at which address; the page itself lies in page/
order               one request of a program, its bounds, and the description of them (openapi)
desk, enhancement   one order at a time; bytes in, bytes out
"""
