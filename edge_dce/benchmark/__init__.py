"""`edge-dce benchmark`, which everybody has: how fast model files are on this device, and how good.

Raw values are kept and figures computed on reading; what makes a figure doubtful is a warning in the report. The
workshop's own measurements (matrices, other runtimes, charts, tables of documents) are in the package `benchmarks`.

command       parse, call, print
measurement   models -> Report (report), with the doubts about it: subject, image_network, frame, turns, yardstick,
              sustained time them here; probe asks a fresh process; quality scores their pictures
latency       what can be said of durations: p50 / p90, and ratios with a 95 % interval
summary       a report as tables: another number shows here, and is measured above
comparison    two reports -> faster, slower, no change
"""
