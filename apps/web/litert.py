"""LiteRT.js as the page takes it: the files of one way to run, the program packed, the license beside them."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

from edge_dce.errors import OutputError

# One thread and no relaxed SIMD: what every browser runs, without headers that a static host may not set.
_VARIANT = "litert_wasm_compat_internal"
LOADER = f"litert/{_VARIANT}.js"
RUNTIME = f"litert/{_VARIANT}.wasm.gz"
_PACKAGES = ("@litertjs/core", "@litertjs/wasm-utils")
_HERE = Path(__file__).resolve().parent
_LICENSE = _HERE.parent.parent / "LICENSE"
# Browsers look for no packages.
_IMPORT, _FILE = '"@litertjs/wasm-utils"', '"./wasm-utils.js"'
_NOTICE = """\
LiteRT.js {version} (npm: {packages}), Copyright Google LLC, https://github.com/google-ai-edge/LiteRT
Licensed under the Apache License, Version 2.0; see LICENSE.txt.
Changed: {variant}.wasm is packed by gzip; index.js imports wasm-utils.js, a file, instead of a package.
"""


def copy_litert(packages: Path, folder: Path) -> None:
    """Make `folder`/litert of the npm packages.

    Raises:
        OutputError: a package is missing or has another version than package-lock.json, or this is no checkout.
    """
    version = _check_versions(packages)
    if not _LICENSE.is_file():
        raise OutputError(f"expected a checkout with {_LICENSE.name}, found none; the page is built in a checkout")
    core, utilities = (packages / name for name in _PACKAGES)
    target = folder / "litert"
    target.mkdir()
    text = (core / "dist" / "index.js").read_text(encoding="utf-8")
    if text.count(_IMPORT) != 1:
        raise OutputError(f"{core}: expected one import of {_IMPORT}, found {text.count(_IMPORT)}; run make web-app")
    (target / "index.js").write_text(_drop_map(text.replace(_IMPORT, _FILE)), encoding="utf-8")
    text = (utilities / "dist" / "index.js").read_text(encoding="utf-8")
    (target / "wasm-utils.js").write_text(_drop_map(text), encoding="utf-8")
    shutil.copy(core / "wasm" / f"{_VARIANT}.js", folder / LOADER)
    program = (core / "wasm" / f"{_VARIANT}.wasm").read_bytes()
    (folder / RUNTIME).write_bytes(gzip.compress(program, 9, mtime=0))
    shutil.copy(_LICENSE, target / "LICENSE.txt")
    notice = _NOTICE.format(version=version, packages=", ".join(_PACKAGES), variant=_VARIANT)
    (target / "NOTICE.txt").write_text(notice, encoding="utf-8")


def _drop_map(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("//# sourceMappingURL="))


def _check_versions(packages: Path) -> str:
    """That of the first."""
    locked = json.loads((_HERE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name in _PACKAGES:
        expected = locked[f"node_modules/{name}"]["version"]
        manifest = packages / name / "package.json"
        found = json.loads(manifest.read_text(encoding="utf-8"))["version"] if manifest.is_file() else "none"
        if found != expected:
            raise OutputError(f"{packages}: expected {name} {expected}, found {found}; run: make web-app")
    return str(locked[f"node_modules/{_PACKAGES[0]}"]["version"])
