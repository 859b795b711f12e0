"""What the doctor examines, in the order in which it reports."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edge_dce.doctor import board, default_model, packages
from edge_dce.doctor.finding import Finding


def examine(root: Path = Path("/")) -> tuple[Finding, ...]:
    """Everything that can be found out in a few seconds; nothing is changed.

    Args:
        root: where the files of the system and the board are looked for.
    """
    checks: list[tuple[str, Callable[[], Finding | list[Finding]]]] = [
        ("python", packages.examine_python),
        ("system", lambda: board.examine_system(root)),
        ("numpy", packages.examine_numpy),
        ("opencv", packages.examine_opencv),
        ("packages", packages.examine_others),
        ("runtime", packages.examine_runtime),
        ("kivy", packages.examine_kivy),
        ("picamera2", lambda: packages.examine_picamera2(root)),
        ("cameras", lambda: board.examine_cameras(root)),
        ("loopback", lambda: board.examine_loopback(root)),
        ("memory", lambda: board.examine_memory(root)),
        ("clock", lambda: board.examine_clock(root)),
        ("temperature", lambda: board.examine_temperature(root)),
        ("power", lambda: board.examine_power(root)),
    ]
    with ThreadPoolExecutor() as pool:
        findings = [finding for part in pool.map(lambda check: _try(*check), checks) for finding in part]
    # After the others, which would slow it down.
    return (*findings, *_try("network", default_model.examine_network))


def _try(name: str, check: Callable[[], Finding | list[Finding]]) -> list[Finding]:
    """The findings of a check, which a system that is unlike every other must not stop."""
    try:
        findings = check()
    except (OSError, ValueError, KeyError, ImportError) as error:
        remedy = "report this line to the project; edge-dce itself can still work"
        return [Finding(name, "warning", f"could not be examined ({type(error).__name__}: {error})", remedy)]
    return findings if isinstance(findings, list) else [findings]
