"""What pyproject.toml cannot say: packages named otherwise than their folders, and a README without a checkout."""

import re
from pathlib import Path

from setuptools import find_packages, setup

# Import name -> folder; docs/decisions/0017 says why they differ.
FOLDERS = {
    "edge_dce": "edge_dce",
    "edge_dce_training": "training",
    "edge_dce_converters": "converters",
    "edge_dce_apps": "apps",
}

# `make apk` and `make web-app` pack what a phone and a browser get, from a checkout.
CHECKOUT_ONLY = ("camera.android", "web", "web.*")


def list_packages() -> list[str]:
    """Every package of the wheel, by its import name."""
    rooms = [
        f"{name}.{room}" for name, folder in FOLDERS.items() for room in find_packages(folder, exclude=CHECKOUT_ONLY)
    ]
    return [*FOLDERS, *rooms]


def describe() -> str:
    """The README, where only links to other sites lead anywhere: of links into the checkout the text is left."""
    text = Path("README.md").read_text(encoding="utf-8")
    text = re.sub(r"!\[[^\]]*\]\((?!https?://)[^)]*\)\n*", "", text)
    return re.sub(r"\[([^\]]*)\]\((?!https?://)[^)]*\)", r"\1", text)


setup(
    packages=list_packages(),
    package_dir=FOLDERS,
    long_description=describe(),
    long_description_content_type="text/markdown",
)
