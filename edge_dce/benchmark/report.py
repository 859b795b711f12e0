"""What a benchmark found, and its JSON."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

from edge_dce.benchmark.latency import Latency
from edge_dce.benchmark.quality import Difference, PairScore, PhotoScore, Score
from edge_dce.benchmark.sustained import Window
from edge_dce.benchmark.yardstick import Yardstick
from edge_dce.errors import ReportError
from edge_dce.machine import Condition

SCHEMA = 2
# A list of numbers, which json.dumps spreads over as many lines.
_NUMBERS = re.compile(r"\[\s+([-+.\dEe]+(?:,\s+[-+.\dEe]+)*)\s+\]")


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One model file with one number of threads.

    Attributes:
        model: its name; `model_sha256` is that of the model without its card, `file_bytes` the size with it.
        precision: what its card says, or None.
        xnnpack: whether XNNPACK runs the network or part of it; None if the runtime does not tell.
        size: (width, height) of the frame for `end_to_end`.
        threads: asked for; `threads_observed` is what the network was seen to run on, where the system tells.
        load_ms, first_run_ms, peak_rss_mb, rss_before_mb: in a process of its own, see `probe.Probe`; None without it.
        warmup_runs: uncounted runs of the network before the counted ones.
        invoke: the network alone, tensor in to map out.
        call_overhead_us: the part of `invoke` that is not the runtime's own: handing over the input and taking the map
            out; median.
        end_to_end: uint8 image in to uint8 image out, without cleaning.
        cleaned: the same with cleaning, which is the default; None for a network that returns the image itself, and in
            reports of earlier versions.
        score, cleaned_score: on the report's pictures, without and with cleaning; None without any.
        difference: without cleaning.
    """

    model: str
    model_sha256: str
    file_bytes: int
    precision: str | None
    contract: str
    runtime: str
    runtime_version: str
    xnnpack: bool | None
    size: tuple[int, int]
    threads: int
    threads_observed: int | None
    load_ms: float | None
    first_run_ms: float | None
    peak_rss_mb: float | None
    rss_before_mb: float | None
    warmup_runs: int
    invoke: Latency
    call_overhead_us: float | None
    end_to_end: Latency
    cleaned: Latency | None
    score: Score | None
    cleaned_score: Score | None
    difference: Difference | None
    warnings: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Baseline:
    """A row that needs no network: key of `quality.BASELINES`; the untouched input has no latency."""

    key: str
    end_to_end: Latency | None
    score: Score | None


@dataclasses.dataclass(frozen=True)
class Report:
    """One run of the benchmark.

    Attributes:
        machine: as `machine.describe_machine` returns it.
        before, after: how the machine was doing at start and end.
        busy_cores: that other programs kept busy meanwhile, on average; None where the system does not tell.
        results: in the order asked for.
        yardsticks: one for each number of threads; none in reports of earlier versions.
        images: how many pictures the scores are means over.
        windows: of a sustained run.
        warnings: of the whole run; those of single results are in them.
    """

    machine: dict[str, Any]
    before: Condition
    after: Condition
    busy_cores: float | None
    results: tuple[Measurement, ...]
    baselines: tuple[Baseline, ...]
    yardsticks: tuple[Yardstick, ...]
    images: int
    windows: tuple[Window, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> str:
        """The text of a JSON object, lists of numbers on one line each."""
        fields = {
            "schema": SCHEMA,
            "machine": self.machine,
            "condition": {
                "before": self.before.to_dict(),
                "after": self.after.to_dict(),
                "busy_cores": None if self.busy_cores is None else round(self.busy_cores, 3),
            },
            "results": [self._result_to_dict(result) for result in self.results],
            "baselines": [
                {
                    "key": baseline.key,
                    "end_to_end_ms": baseline.end_to_end and baseline.end_to_end.to_dict(),
                    "quality": baseline.score and self._score_to_dict(baseline.score),
                }
                for baseline in self.baselines
            ],
            "yardsticks": [yardstick.to_dict() for yardstick in self.yardsticks],
            "sustained": [window.to_dict() for window in self.windows],
            "warnings": list(self.warnings),
        }
        text = json.dumps(fields, indent=1, allow_nan=False)
        return _NUMBERS.sub(lambda match: f"[{' '.join(match[1].split())}]", text) + "\n"

    def _result_to_dict(self, result: Measurement) -> dict[str, Any]:
        fields = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
        score, cleaned_score, difference = (fields.pop(name) for name in ("score", "cleaned_score", "difference"))
        cleaned: Latency | None = fields.pop("cleaned")
        quality = score and self._score_to_dict(score)
        for baseline in self.baselines:
            if quality and baseline.score:
                quality |= {f"{baseline.key}_{name}": value for name, value in _round(baseline.score).items()}
        return fields | {
            "size": list(result.size),
            "invoke_ms": fields.pop("invoke").to_dict(),
            "end_to_end_ms": fields.pop("end_to_end").to_dict(),
            "cleaned_ms": cleaned and cleaned.to_dict(),
            "quality": quality,
            "cleaned_quality": cleaned_score and self._score_to_dict(cleaned_score),
            "difference": difference and _round(difference),
            "warnings": list(result.warnings),
        }

    def _score_to_dict(self, score: Score) -> dict[str, Any]:
        return {"images": self.images} | _round(score)


def read_report(path: Path) -> Report:
    """What `Report.to_json` wrote.

    Raises:
        ReportError: the file is missing, no such report, or one of another schema.
    """
    try:
        fields = json.loads(path.read_text())
        if fields["schema"] != SCHEMA:
            raise ReportError(f"{path}: expected a report of schema {SCHEMA}, found {fields['schema']}; measure again")
        return _parse(fields)
    except OSError as error:
        raise ReportError(f"{path}: cannot be read ({error.strerror}); write one with --json") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ReportError(f"{path}: expected what --json writes, found something else; measure again") from error


def _parse(fields: dict[str, Any]) -> Report:
    condition = fields["condition"]
    scores = [each["quality"] for each in (*fields["results"], *fields["baselines"]) if each["quality"]]
    return Report(
        machine=dict(fields["machine"]),
        before=Condition.from_dict(condition["before"]),
        after=Condition.from_dict(condition["after"]),
        busy_cores=condition["busy_cores"],
        results=tuple(_parse_result(result) for result in fields["results"]),
        baselines=tuple(
            Baseline(
                key=each["key"],
                end_to_end=each["end_to_end_ms"] and Latency.from_dict(each["end_to_end_ms"]),
                score=_parse_score(each["quality"]),
            )
            for each in fields["baselines"]
        ),
        yardsticks=tuple(Yardstick.from_dict(yardstick) for yardstick in fields.get("yardsticks", ())),
        images=scores[0]["images"] if scores else 0,
        windows=tuple(Window.from_dict(window) for window in fields["sustained"]),
        warnings=tuple(fields["warnings"]),
    )


def _parse_result(fields: dict[str, Any]) -> Measurement:
    rest = dict(fields)
    width, height = rest.pop("size")
    cleaned, difference = rest.pop("cleaned_ms", None), rest.pop("difference")
    return Measurement(
        size=(width, height),
        invoke=Latency.from_dict(rest.pop("invoke_ms")),
        end_to_end=Latency.from_dict(rest.pop("end_to_end_ms")),
        cleaned=cleaned and Latency.from_dict(cleaned),
        score=_parse_score(rest.pop("quality")),
        cleaned_score=_parse_score(rest.pop("cleaned_quality", None)),
        difference=difference and Difference(**difference),
        warnings=tuple(rest.pop("warnings")),
        **rest,
    )


def _parse_score(fields: dict[str, Any] | None) -> Score | None:
    if not fields:
        return None
    kind = PairScore if "psnr_db" in fields else PhotoScore
    return kind(**{field.name: fields[field.name] for field in dataclasses.fields(kind)})


def _round(score: Score | Difference) -> dict[str, Any]:
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in dataclasses.asdict(score).items()
    }
