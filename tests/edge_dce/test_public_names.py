import subprocess
import sys
import types

import edge_dce


def test_all_lists_every_public_name() -> None:
    public = [
        name
        for name, value in {name: getattr(edge_dce, name) for name in dir(edge_dce)}.items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    ]
    assert sorted(edge_dce.__all__) == sorted(public)


def test_version_has_three_parts() -> None:
    assert edge_dce.__version__.count(".") == 2


def test_importing_edge_dce_needs_no_other_package_until_a_name_is_used() -> None:
    code = "import edge_dce, sys; print(sorted({'numpy', 'cv2', 'PIL'} & set(sys.modules))); edge_dce.load"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout == "[]\n"
