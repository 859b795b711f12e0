"""Pairs to learn from, cut out of high-dynamic-range panoramas: files, camera, sensor, rendering, views.

Needs no Keras. docs/decisions/0019 says what the pairs look like and why.
"""
