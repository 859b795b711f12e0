"""The folder that is built, with packages made up for the purpose: no npm is needed."""

import gzip
import json
import re
from pathlib import Path

import pytest

from apps.web.__main__ import main
from apps.web.building import build, describe, list_files
from apps.web.litert import LOADER, RUNTIME
from edge_dce.errors import ModelError, OutputError
from edge_dce.models.catalog import DEFAULT_MODEL
from edge_dce.pixels.look import MAX_STRENGTH
from tests.apps.web.served_page import ROOT

VERSION = "2.5.3"
PROGRAM = b"\0asm" + bytes(1000)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A node_modules of the locked versions, whose files say nothing."""
    folder = tmp_path / "node_modules"
    core, utilities = folder / "@litertjs" / "core", folder / "@litertjs" / "wasm-utils"
    for package in (core, utilities):
        (package / "dist").mkdir(parents=True)
        (package / "package.json").write_text(json.dumps({"version": VERSION}))
    text = 'import { createWasmLib } from "@litertjs/wasm-utils";\n//# sourceMappingURL=index.js.map\n'
    (core / "dist" / "index.js").write_text(text)
    (utilities / "dist" / "index.js").write_text("export const createWasmLib = null;\n")
    (core / "wasm").mkdir()
    loader = core / "wasm" / Path(LOADER).name
    loader.write_text("// loader\n")
    loader.with_suffix(".wasm").write_bytes(PROGRAM)
    return folder


def read_text(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in list_files(folder) if path.suffix in (".html", ".js", ".css")}


def test_page_names_only_files_that_are_there(packages: Path, tmp_path: Path) -> None:
    build(tmp_path / "web", packages=packages)
    for path in list_files(tmp_path / "web"):
        if path.suffix in (".html", ".js", ".webmanifest"):
            names = re.findall(r'(?:src|href)="([^"]+)"|from "([^"]+)"|"src": "([^"]+)"', path.read_text())
            for name in filter(None, (name for found in names for name in found)):
                assert (path.parent / name).is_file(), f"{path.name}: {name}"


def test_browser_keeps_all_that_the_page_loads(packages: Path, tmp_path: Path) -> None:
    folder = tmp_path / "web"
    build(folder, packages=packages)
    kept = json.loads((folder / "files.js").read_text().splitlines()[1].partition(" = ")[2].rstrip(";"))
    there = {path.relative_to(folder).as_posix() for path in list_files(folder)} - {"files.js"}
    assert set(kept) == there | {"."}
    assert {LOADER, RUNTIME, "model.tflite", "generated.js", "litert/index.js"} <= there


def test_name_of_what_the_browser_keeps_changes_with_what_is_in_it(packages: Path, tmp_path: Path) -> None:
    lists = []
    for content in ("export const createWasmLib = 1;\n", "export const createWasmLib = 1;\n", "// other\n"):
        (packages / "@litertjs" / "wasm-utils" / "dist" / "index.js").write_text(content)
        build(tmp_path / "web", packages=packages)
        lists.append((tmp_path / "web" / "files.js").read_text())
    assert lists[0] == lists[1] != lists[2]


def test_litert_comes_with_its_license_and_without_bare_names(packages: Path, tmp_path: Path) -> None:
    folder = tmp_path / "web"
    build(folder, packages=packages)
    assert (folder / "litert" / "LICENSE.txt").read_text() == (ROOT / "LICENSE").read_text()
    assert f"LiteRT.js {VERSION}" in (folder / "litert" / "NOTICE.txt").read_text()
    assert "@litertjs" not in (folder / "litert" / "index.js").read_text()
    assert gzip.decompress((folder / RUNTIME).read_bytes()) == PROGRAM


def test_page_may_load_and_send_nothing_elsewhere(packages: Path, tmp_path: Path) -> None:
    build(tmp_path / "web", packages=packages)
    text = read_text(tmp_path / "web")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text["index.html"])
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == rules["style-src"] == "'self'"
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*"} & set(policy.replace(";", " ").split())
    for name, content in text.items():
        assert not re.search(r"https?://", content), name


def test_what_python_knows_reaches_the_page(packages: Path, tmp_path: Path) -> None:
    build(tmp_path / "web", packages=packages)
    text = (tmp_path / "web" / "generated.js").read_text()
    values = {name: json.loads(value) for name, value in re.findall(r"const (\w+) = (.*);", text)}
    assert values["MAX_STRENGTH"] == MAX_STRENGTH
    assert (values["NETWORK"]["width"], values["NETWORK"]["height"]) == (192, 128)
    assert "vec3 enhance(vec3 x, vec2 place)" in values["FRAGMENTS"]


def test_model_that_litert_js_refuses_is_refused_here(packages: Path, tmp_path: Path) -> None:
    for model, found in ((DEFAULT_MODEL, "found tone, uint8, int8"), ("zero-dce-128x128-float16", "found curves")):
        with pytest.raises(ModelError, match=found):
            build(tmp_path / "web", packages=packages, model=model)
    assert not (tmp_path / "web").exists()


def test_folder_of_other_files_is_left_alone(packages: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("kept")
    with pytest.raises(OutputError, match="found other files"):
        build(tmp_path / "mine", packages=packages)
    assert (tmp_path / "mine" / "letter.txt").read_text() == "kept"


def test_packages_of_another_version_are_refused(
    packages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (packages / "@litertjs" / "core" / "package.json").write_text('{"version": "9.9.9"}')
    assert main([str(tmp_path / "web"), "--packages", str(packages)]) == 1
    error = capsys.readouterr().err
    assert f"expected @litertjs/core {VERSION}, found 9.9.9; run: make web-app" in error
    assert error.count("\n") == 1


def test_lock_pins_what_is_asked_for_and_names_no_host() -> None:
    asked = json.loads((ROOT / "apps" / "web" / "package.json").read_text())["dependencies"]
    lock = (ROOT / "apps" / "web" / "package-lock.json").read_text()
    for name, version in asked.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        entry = json.loads(lock)["packages"][f"node_modules/{name}"]
        assert entry["version"] == version
        assert entry["integrity"].startswith("sha512-")
    assert "http" not in lock


def test_weight_and_a_way_to_try_it_are_told(packages: Path, tmp_path: Path) -> None:
    build(tmp_path / "web", packages=packages)
    total = sum(path.stat().st_size for path in list_files(tmp_path / "web"))
    told = describe(tmp_path / "web")
    assert f"{total:,} bytes on the first visit" in told
    assert f"python3 -m http.server --directory {tmp_path / 'web'}" in told
