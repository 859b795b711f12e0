import types

import edge_dce


def test_all_lists_every_public_name() -> None:
    public = [
        name
        for name, value in vars(edge_dce).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    ]
    assert sorted(edge_dce.__all__) == sorted(public)


def test_version_has_three_parts() -> None:
    assert edge_dce.__version__.count(".") == 2
