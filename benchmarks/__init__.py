"""The workshop's measurements: `python -m benchmarks pixel-path | readme`."""
