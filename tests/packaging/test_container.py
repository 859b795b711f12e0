"""The compose file and the Dockerfile fit each other and the commands that they start."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import apps.photos.options
import apps.pi.options

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "apps" / "pi" / "container"
PARSERS = {"live": apps.pi.options.build_parser, "web": apps.photos.options.build_parser}
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
SERVICES: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_built_from_this_checkout(name: str) -> None:
    build = SERVICES[name]["build"]
    context = (FOLDER / build["context"]).resolve()
    assert context == ROOT
    assert context / build["dockerfile"] == FOLDER / "Dockerfile"


@pytest.mark.parametrize("name", SERVICES)
def test_service_listens_where_the_health_check_asks_and_the_port_leads(name: str) -> None:
    command, *arguments = SERVICES[name]["command"]
    listens = PARSERS[command]().parse_args(arguments).http
    (asked,) = re.findall(r"http://127.0.0.1(:\d+)/healthz", DOCKERFILE)
    assert [listens] == [f":{port.split(':')[1]}" for port in SERVICES[name]["ports"]] == [asked]


@pytest.mark.parametrize("name", SERVICES)
def test_service_may_do_nothing_that_it_need_not(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"]
    assert "privileged" not in service
    assert re.search(r"^USER [1-9]\d*$", DOCKERFILE, re.MULTILINE)
