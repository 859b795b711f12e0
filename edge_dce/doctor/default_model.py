"""The default model on this device: does it run, is it right, and is it as fast as it can be."""

from __future__ import annotations

import json
from typing import Any

from edge_dce.doctor.finding import Finding
from edge_dce.doctor.packages import pip_line
from edge_dce.doctor.reference import find_end_to_end_ms
from edge_dce.doctor.wheels import LITERT, choose_runtime
from edge_dce.terminal.child import run_python

# Converters publish no tone in int8 whose pictures are further than 40 dB from the network's; code of a runtime that
# computed another thing on a CPU that it was not tried on gave 15 dB.
_AGREEMENT_DB = 30
_FASTER_RATIO = 1.2
# Two seconds on a machine that does other things too.
_SLOW_RATIO = 2


def examine_network() -> list[Finding]:
    """Three findings from one trial in a child process, or one if it failed."""
    result = run_python(["-m", "edge_dce.doctor.trial"])
    if result.failure:
        remedy = "fix the problems above, then run: edge-dce doctor"
        return [Finding("network", "problem", f"the default model does not run ({result.failure})", remedy)]
    trial = json.loads(result.output)
    return [_judge_result(trial), _judge_delegate(trial), _judge_speed(trial, find_end_to_end_ms(trial))]


def _judge_result(trial: dict[str, Any]) -> Finding:
    agreement_db, twin = trial["agreement_db"], trial["twin"]["model"]
    if agreement_db < _AGREEMENT_DB:
        found = f"wrong results: int8 and float16 agree only to {agreement_db:.0f} dB"
        return Finding("network", "problem", found, f"edge-dce enhance --model {twin} PHOTO")
    return Finding("network", "ok", f"runs; int8 and float16 agree to {agreement_db:.0f} dB")


def _judge_delegate(trial: dict[str, Any]) -> Finding:
    default, twin = trial["default"], trial["twin"]
    if default["uses_xnnpack"] is not False:
        return Finding("xnnpack", "ok", "in use" if default["uses_xnnpack"] else "the runtime does not report it")
    found = f"not in use: {trial['runtime']} {trial['runtime_version']} runs int8 without it"
    best = choose_runtime()
    if best == LITERT and trial["runtime"] == "tflite-runtime":
        return Finding("xnnpack", "warning", found, pip_line(f"'{best}'"))
    if default["network_ms"] > _FASTER_RATIO * twin["network_ms"]:
        found = f"{found}, {default['network_ms']:.0f} ms; float16 {twin['network_ms']:.0f} ms"
        return Finding("xnnpack", "warning", found, f"edge-dce enhance --model {twin['model']} PHOTO")
    return Finding("xnnpack", "ok", f"{found}, and float16 is no faster")


def _judge_speed(trial: dict[str, Any], typical_ms: float | None) -> Finding:
    default = trial["default"]
    memory = f", {trial['peak_rss_mb']:.0f} MB" if trial["peak_rss_mb"] else ""
    found = (
        f"1080p in {default['cleaned_ms']:.0f} ms, without cleaning {default['end_to_end_ms']:.0f}, "
        f"network {default['network_ms']:.1f}, "
        f"{trial['threads']} thread{'s'[: trial['threads'] != 1]}{memory}"
    )
    if typical_ms is None:
        return Finding("speed", "ok", f"{found}; no reference for this CPU")
    found = f"{found}; {typical_ms:.0f} ms without cleaning is typical"
    if default["end_to_end_ms"] > _SLOW_RATIO * typical_ms:
        remedy = "close other programs; look at clock, temperature and power above"
        return Finding("speed", "warning", found, remedy)
    return Finding("speed", "ok", found)
