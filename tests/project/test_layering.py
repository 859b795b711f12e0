"""Imports point one way (apps, benchmarks, converters -> edge_dce), and heavy packages stay where they belong."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {"edge_dce", "training", "converters", "apps", "benchmarks"}

# docs/decisions/0017: in the wheel these are edge_dce_training and so on.
SHIPPED_RENAMED = {package: f"edge_dce_{package}" for package in ("training", "converters", "apps")}

# Package or module -> what it may import of the packages in question.
ALLOWED = {
    "edge_dce": {"edge_dce"},
    "training": {"training", "edge_dce", "keras"},
    "converters": {"converters", "edge_dce", "keras", "tensorflow", "ai_edge_litert", "ai_edge_quantizer"},
    "benchmarks": {"benchmarks", "converters", "edge_dce"},
    "apps": {"apps", "edge_dce", "kivy"},
}
# Package in question -> the modules that alone may import it, where that is narrower than the table above.
ONLY_IN = {
    "PIL": {
        "edge_dce/files/pictures.py",
        *(
            f"edge_dce/files/formats/{module}.py"
            for module in (
                "metadata",
                "pillow_images",
                "pillow_pictures",
                "pillow_samples",
                "tiff_pictures",
                "tiff_samples",
                "writer",
            )
        ),
    },
    "pillow_heif": {"edge_dce/files/formats/heif_pictures.py"},
    "rawpy": {"edge_dce/files/formats/raw_pictures.py"},
    "ray": {"edge_dce/enhancing/workers.py"},
    "s3fs": {"edge_dce/files/objects.py"},
    "botocore": {"edge_dce/files/objects.py"},
    "av": {
        "edge_dce/files/live_video.py",
        "edge_dce/files/encoders.py",
        "edge_dce/files/remote_video.py",
        "edge_dce/files/rtsp_sender.py",
        "edge_dce/files/video_clock.py",
        "edge_dce/files/video_frames.py",
        "edge_dce/files/video_reader.py",
        "edge_dce/files/video_sound.py",
        "edge_dce/files/video_writer.py",
        "apps/camera/shots/recording.py",
        "benchmarks/clip.py",
    },
    # The rest of the app is tested where there is no Kivy, and no Java.
    "kivy": {
        "apps/camera/__main__.py",
        "apps/camera/benchmark.py",
        *(
            f"apps/camera/view/{module}.py"
            for module in ("app", "controls", "gallery_view", "preview", "screen", "settings_view", "temporal_filter")
        ),
    },
    # Only the workshop, whose extras bring it, asks for pages.
    "jinja2": {"edge_dce/reports/page.py"},
    "jnius": {"apps/camera/android/phone.py", "apps/camera/android/java_interpreter.py"},
    "matplotlib": {"training/plots.py", "training/sweep_plot.py", "benchmarks/charts.py", "benchmarks/figure.py"},
    "onnxruntime": {"converters/peer_runtimes.py"},
    "openvino": {"converters/peer_runtimes.py"},
    "optuna": {"training/sweep.py"},
    "onnx": {"converters/onnx_files.py"},
    "tf2onnx": {"converters/onnx_files.py"},
}
# Module -> what it alone of its package may import too, inside functions only: the engine that Keras runs on, the data
# that networks learn from, the training that is timed.
ALSO_IN = {
    "benchmarks/ablation_table.py": {"training"},
    "benchmarks/denoising.py": {"training"},
    "benchmarks/noisy_views.py": {"training"},
    "benchmarks/training_speed.py": {"training"},
    "training/discriminator.py": {"tensorflow", "jax"},
    "training/distribution.py": {"tensorflow", "jax"},
}
RESTRICTED = OURS | {
    "keras", "tensorflow", "kivy", "ai_edge_litert", "ai_edge_quantizer", "tflite_runtime", "torch", "jax",
}  # fmt: skip
# training knows nothing of TFLite.
TRAINING_MAY_USE = {
    f"edge_dce.{module}"
    for module in (
        "errors",
        "files.folders",
        "files.near_infrared",
        "files.output",
        "files.pictures",
        "files.video_reader",
        "machine",
        "models.origin",
        "pixels.baselines",
        "pixels.curve",
        "pixels.levels",
        "pixels.metrics",
        "pixels.noise",
        "pixels.shrinking",
        "pixels.tone",
        "reports.page",
        "reports.table",
        "terminal.arguments",
        "terminal.parser",
        "terminal.console",
    )
}
# They run where numpy is missing or kills the process, and import the standard library and one another.
NEEDS_NOTHING = {
    "edge_dce",
    "edge_dce.errors",
    "edge_dce.machine",
    "edge_dce.models",
    "edge_dce.models.catalog",
    "edge_dce.terminal",
    "edge_dce.terminal.child",
    "edge_dce.terminal.console",
    "edge_dce.terminal.parser",
    "edge_dce.terminal.suggestions",
    "edge_dce.version",
    "edge_dce.doctor",
    *(f"edge_dce.doctor.{path.stem}" for path in (ROOT / "edge_dce" / "doctor").glob("[a-z]*.py")),
} - {"edge_dce.doctor.trial"}


def list_modules() -> list[Path]:
    return sorted(path for package in OURS for path in (ROOT / package).rglob("*.py"))


def read_imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    names: set[str] = set()
    tree = ast.parse(path.read_text())
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = resolve_module(path, node)
            names.add(module)
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def resolve_module(path: Path, node: ast.ImportFrom) -> str:
    """The absolute name. What the wheel holds under another name imports relatively, and edge_dce never does."""
    package = path.relative_to(ROOT).parent.parts
    if not node.level:
        assert node.module is not None
        assert package[0] not in SHIPPED_RENAMED or node.module.partition(".")[0] != package[0], f"{path}: absolute"
        return node.module
    assert package[0] in SHIPPED_RENAMED, f"{path}: relative import"
    assert node.level <= len(package), f"{path}: leaves its package"
    return ".".join((*package[: len(package) - node.level + 1], *filter(None, [node.module])))


@pytest.mark.parametrize("path", list_modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_module_imports_only_what_its_layer_may(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    tops = {name.partition(".")[0] for name in read_imports(path)}
    also = ALSO_IN.get(str(path.relative_to(ROOT)), set())
    assert (tops & RESTRICTED) <= ALLOWED[package] | also
    assert not {name.partition(".")[0] for name in read_imports(path, top_level_only=True)} & also
    for name, modules in ONLY_IN.items():
        assert name not in tops or str(path.relative_to(ROOT)) in modules


def test_training_uses_the_device_package_for_pictures_and_errors_only() -> None:
    for path in (ROOT / "training").rglob("*.py"):
        for name in read_imports(path):
            if name.startswith("edge_dce"):
                assert any(name == allowed or name.startswith(f"{allowed}.") for allowed in TRAINING_MAY_USE), path


@pytest.mark.parametrize("module", sorted(NEEDS_NOTHING))
def test_what_the_doctor_needs_imports_the_standard_library_alone(module: str) -> None:
    path = ROOT / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for name in read_imports(path, top_level_only=True):
        if name.partition(".")[0] == "edge_dce":
            # The last part may be the name of something in a module.
            assert {name, name.rpartition(".")[0]} & NEEDS_NOTHING, name
        else:
            assert name.partition(".")[0] in sys.stdlib_module_names, name


def test_importing_edge_dce_loads_no_workshop_package() -> None:
    code = "import edge_dce, edge_dce.cli, sys; print(*(name.partition('.')[0] for name in sys.modules))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert not set(child.stdout.split()) & {"tensorflow", "keras", "kivy", *SHIPPED_RENAMED, *SHIPPED_RENAMED.values()}
