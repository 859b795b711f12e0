"""/stats.json in the text format of Prometheus 0.0.4."""

from __future__ import annotations

import dataclasses
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclasses.dataclass(frozen=True)
class _Metric:
    name: str
    kind: str
    help: str
    path: str


_METRICS = (
    _Metric("uptime_seconds", "gauge", "Seconds since the script started.", "uptime_s"),
    _Metric("camera_live", "gauge", "1 while the camera delivers frames.", "camera.live"),
    _Metric("camera_frames_total", "counter", "Frames read from the camera.", "camera.frames"),
    _Metric("camera_reconnections_total", "counter", "Times a lost camera came back.", "camera.reconnections"),
    _Metric("frames_total", "counter", "Frames that a viewer or an output asked for.", "enhancement.frames"),
    _Metric("frames_enhanced_total", "counter", "Frames that were enhanced.", "enhancement.enhanced"),
    _Metric("enhancement_seconds", "summary", "Time to enhance a frame.", "enhancement.took_ms"),
    _Metric("enhancement_failing", "gauge", "1 while the model fails.", "enhancement.failing"),
    _Metric("scene_dark", "gauge", "With --auto: 1 while frames are enhanced.", "enhancement.auto.is_dark"),
    _Metric("scene_brightness", "gauge", "With --auto: mean brightness, 1 is white.", "enhancement.auto.brightness"),
    _Metric("strength", "gauge", "Strength of the enhancement.", "enhancement.strength"),
    _Metric("stream_frames_total", "counter", "Frames encoded.", "stream.frames"),
    _Metric("stream_fps", "gauge", "Frames encoded per second, over the last ten seconds.", "stream.fps"),
    _Metric("stream_viewers", "gauge", "Connections that are watching now.", "stream.viewers"),
    _Metric("stream_latency_seconds", "summary", "Time from the exposure to the encoded JPEG.", "stream.latency_ms"),
    _Metric("http_requests_total", "counter", "Requests answered.", "stream.requests"),
    _Metric("http_refused_total", "counter", "Connections or requests refused.", "stream.refused"),
    _Metric("stills_written_total", "counter", "Stills written.", "stills.written"),
    _Metric("stills_paused", "gauge", "1 while stills cannot be written.", "stills.paused"),
    _Metric("stills_deleted_total", "counter", "Stills deleted because of --keep.", "stills.deleted"),
    _Metric("recording_frames_total", "counter", "Frames recorded.", "recording.frames"),
    _Metric("recording_failed", "gauge", "1 while recording is kept from going on.", "recording.failed"),
    _Metric("recordings_deleted_total", "counter", "Recordings deleted because of --keep.", "recording.deleted"),
    _Metric("push_frames_total", "counter", "Frames sent to the RTSP server.", "push.frames"),
    _Metric("push_failed", "gauge", "1 while the RTSP server cannot be sent to.", "push.failed"),
    _Metric("memory_bytes", "gauge", "Resident memory of the script.", "system.rss_bytes"),
    _Metric("temperature_celsius", "gauge", "Temperature of the processor.", "system.temperature_c"),
)


def format_metrics(stats: dict[str, Any]) -> str:
    """Every metric that this run has a value for."""
    return "".join(_format_metric(metric, _find(stats, metric.path)) for metric in _METRICS)


def _find(stats: dict[str, Any], path: str) -> Any:
    found: Any = stats
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _format_metric(metric: _Metric, value: Any) -> str:
    name = f"edge_dce_{metric.name}"
    if isinstance(value, dict):
        quantiles = {"0.5": value["p50"], "0.95": value["p95"]}
        samples = [
            f'{name}{{quantile="{quantile}"}} {duration_ms / 1e3:.6f}\n'
            for quantile, duration_ms in quantiles.items()
            if duration_ms is not None
        ]
    else:
        samples = [] if value is None else [f"{name} {int(value) if isinstance(value, bool) else value}\n"]
    return "".join([f"# HELP {name} {metric.help}\n# TYPE {name} {metric.kind}\n", *samples]) if samples else ""
