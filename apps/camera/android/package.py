"""What goes into the Android package: `python -m apps.camera.android.package DIR`, for `make apk`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_MAIN = "from apps.camera.__main__ import main\n\nmain([])\n"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.spec")


def copy_sources(folder: Path) -> None:
    """Make a folder that buildozer packs: this app, edge_dce, main.py and the recipe; what else is there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in ("apps", "edge_dce"):
        shutil.rmtree(folder / package, ignore_errors=True)
    shutil.copytree(_ROOT / "edge_dce", folder / "edge_dce", ignore=_LEFT_OUT)
    shutil.copytree(_ROOT / "apps" / "camera", folder / "apps" / "camera", ignore=_LEFT_OUT)
    shutil.copy(_ROOT / "apps" / "__init__.py", folder / "apps")
    shutil.copy(_ROOT / "apps" / "camera" / "android" / "buildozer.spec", folder)
    (folder / "main.py").write_text(_MAIN)


if __name__ == "__main__":
    copy_sources(Path(sys.argv[1]))
