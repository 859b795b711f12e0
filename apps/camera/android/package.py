"""What goes into the Android package: `python -m apps.camera.android.package DIR`, for `make apk`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from edge_dce.errors import OutputError

_ROOT = Path(__file__).resolve().parents[3]
_RECIPE = Path(__file__).with_name("buildozer.spec")
_MAIN = "from apps.camera.__main__ import main\n\nmain([])\n"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.spec")


def copy_sources(folder: Path) -> None:
    """Make a folder that buildozer packs: this app, edge_dce, main.py and the recipe; what else is there stays.

    Raises:
        OutputError: not run from a checkout, which alone has the recipe.
    """
    if not _RECIPE.is_file():
        raise OutputError(f"expected a checkout of edge-dce, found no {_RECIPE}; get its sources and run: make apk")
    folder.mkdir(parents=True, exist_ok=True)
    for package in ("apps", "edge_dce"):
        shutil.rmtree(folder / package, ignore_errors=True)
    shutil.copytree(_ROOT / "edge_dce", folder / "edge_dce", ignore=_LEFT_OUT)
    shutil.copytree(_ROOT / "apps" / "camera", folder / "apps" / "camera", ignore=_LEFT_OUT)
    shutil.copy(_ROOT / "apps" / "__init__.py", folder / "apps")
    shutil.copy(_RECIPE, folder)
    (folder / "main.py").write_text(_MAIN)


if __name__ == "__main__":
    try:
        copy_sources(Path(sys.argv[1]))
    except OutputError as error:
        sys.exit(f"package: error: {error}")
