"""What is told at the end of a run on a terminal, of results in folders and stores."""

from __future__ import annotations

import os
import pty
import sys
from pathlib import Path

import pytest

from edge_dce.enhancing.account import Account, Verbosity
from edge_dce.enhancing.jobs import Job, Plan
from edge_dce.files.objects import parse_place


@pytest.mark.parametrize(
    ("targets", "where"),
    [
        (["s3://one/a.jpg", "s3://two/b.jpg"], ""),
        (["s3://one/a.jpg", "/tmp/b.jpg"], ""),
        (["s3://one/x/a.jpg", "s3://one/y/b.jpg"], "; see s3://one"),
        (["/tmp/x/a.jpg", "/tmp/y/b.jpg"], "; see /tmp"),
    ],
)
def test_the_folder_of_all_results_is_told_where_there_is_one(
    targets: list[str], where: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    master, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        Account(Verbosity(), Plan([Job(Path(text), parse_place(text)) for text in targets])).sum_up()
    os.close(master)
    assert capfd.readouterr().err == f"0 enhanced, 0 already there, 0 failed{where}\n"
