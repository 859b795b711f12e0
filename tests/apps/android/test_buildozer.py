"""The recipe of the Android package: read by buildozer, its requirements resolved by python-for-android."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from apps.camera.android.package import copy_sources
from edge_dce.errors import OutputError
from edge_dce.models.catalog import DEFAULT_MODEL

ROOT = Path(__file__).resolve().parents[3]
# What python-for-android installs with pip, because it is nothing but Python.
PURE_PYTHON = {"tqdm"}
# What recipes bring along, as far as that is nothing but Python.
BROUGHT_ALONG = {
    "certifi",
    "chardet",
    "charset-normalizer",
    "docutils",
    "filetype",
    "idna",
    "pygments",
    "requests",
    "six",
    "urllib3",
}


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    buildozer = pytest.importorskip("buildozer", reason="needs buildozer: pip install 'edge-dce[android]'")
    # Buildozer makes folders in the home folder and in the current one.
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    copy_sources(tmp_path / "build")
    monkeypatch.chdir(tmp_path / "build")
    return buildozer.Buildozer(filename="buildozer.spec", target="android")


def test_buildozer_reads_the_recipe(spec: Any) -> None:
    spec.check_configuration_tokens()
    assert spec.config.get("app", "android.api") == "35"
    assert spec.config.get("app", "android.minapi") == "24"
    assert spec.config.getlist("app", "android.archs") == ["arm64-v8a"]
    assert "com.google.ai.edge.litert:litert:1.4.1" in spec.config.getlist("app", "android.gradle_dependencies")
    assert spec.get_version()
    assert Path(spec.config.get("app", "android.extra_manifest_application_arguments")).exists()


def test_every_key_of_the_recipe_is_one_that_buildozer_knows(spec: Any) -> None:
    import buildozer

    known = (Path(buildozer.__file__).parent / "default.spec").read_text()
    for section in spec.config.sections():
        for key in spec.config.options(section):
            assert f"{key} =" in known, key


def test_requirements_resolve_to_recipes_and_pure_python(spec: Any) -> None:
    from pythonforandroid import recipes
    from pythonforandroid.bootstrap import Bootstrap
    from pythonforandroid.build import Context
    from pythonforandroid.graph import get_recipe_order_and_bootstrap

    names = spec.config.getlist("app", "requirements")
    context = Context()
    bootstrap = Bootstrap.get_bootstrap("sdl2", context)
    order, modules, _ = get_recipe_order_and_bootstrap(context, names, bootstrap)
    known = {path.parent.name.lower() for path in Path(recipes.__file__).parent.glob("*/__init__.py")}
    # A name that is no recipe is not an error to the resolver: it would go to pip, which cannot compile for Android.
    left_to_pip = (set(order) - known) | {re.split("[=<>~]", str(name))[0] for name in modules}
    assert left_to_pip <= PURE_PYTHON | BROUGHT_ALONG
    assert {name.lower() for name in names} - PURE_PYTHON <= set(order)
    assert "tflite-runtime" not in order


def test_package_holds_all_that_the_app_imports_and_nothing_of_the_workshop(tmp_path: Path) -> None:
    copy_sources(tmp_path / "build")
    files = {str(path.relative_to(tmp_path / "build")) for path in (tmp_path / "build").rglob("*") if path.is_file()}
    assert {"main.py", "buildozer.spec", "apps/camera/view/camera.kv", "apps/camera/icon.png"} <= files
    assert f"edge_dce/models/{DEFAULT_MODEL}.tflite" in files
    assert "edge_dce/camera/synthetic.py" in files
    assert not [name for name in files if name.startswith(("training", "converters", "benchmarks", "tests"))]
    assert sum((tmp_path / "build" / name).stat().st_size for name in files) < 5_000_000


def test_what_is_no_checkout_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.camera.android.package._RECIPE", tmp_path / "buildozer.spec")
    with pytest.raises(OutputError, match="expected a checkout of edge-dce"):
        copy_sources(tmp_path / "build")
    assert not (tmp_path / "build").exists()


def test_sources_are_replaced_by_the_next_copy(tmp_path: Path) -> None:
    copy_sources(tmp_path)
    (tmp_path / "apps" / "gone.py").touch()
    (tmp_path / ".buildozer").mkdir()
    copy_sources(tmp_path)
    assert not (tmp_path / "apps" / "gone.py").exists()
    assert (tmp_path / ".buildozer").exists()
