"""The workshop's measurements: `python -m benchmarks run | compare | table | report | plot | ...`."""
