"""Measure model files on this device: latency, memory, quality; compare with what was measured before.

Raw values are kept and statistics computed on reading; whatever makes a figure doubtful is a warning in the result.

    latency      durations, percentiles, ratios with an interval
    turns        several things timed in turn, after a warm-up that ends when they are steady
    subject      a model file ready to be timed, whatever its contract
    image_network  other people's files that return the enhanced image
    probe        what only a fresh process can tell: load, first run, memory, threads
    quality      against ground truth, against a reference model, on photos without either
    sustained    the same for minutes: heat, clock, throttling
    measurement  all of it for some models -> Report
    doubts       the warnings
    comparison   two reports -> faster, slower, no change
    summary      reports as tables
    command      the `edge-dce benchmark` command
"""
