import pytest


@pytest.fixture(autouse=True)
def _keep_the_users_cache_clean(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoded pictures go to one folder that all tests share, child processes included."""
    monkeypatch.setenv("EDGE_DCE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
