"""A model file as a page for model hubs: Markdown under a YAML header, as Hugging Face reads its README.md."""

from __future__ import annotations

from collections.abc import Iterator

from edge_dce.errors import CardError
from edge_dce.models.card import Calibration, Fidelity, ModelCard, ModelFile, TensorSpec
from edge_dce.models.contracts import CONTRACTS, IMAGE


def render_page(model: ModelFile) -> str:
    """The page of a model: nothing that its card does not say, and what it says as of its conversion.

    Raises:
        CardError: the file has no card.
    """
    card = model.card
    if card is None:
        raise CardError(f"{model.path}: expected a card to make a page of, found none; convert the model again")
    return "\n".join(("---", *_list_header(card), "---", "", *_list_sections(card, len(model.content)))) + "\n"


def _list_header(card: ModelCard) -> Iterator[str]:
    yield f"license: {card.license.lower()}"
    yield "library_name: litert"
    yield "pipeline_tag: image-to-image"
    yield "tags:"
    for tag in ("low-light", "image-enhancement", "tflite", "edge-dce", card.contract, card.precision):
        yield f"- {tag}"


def _list_sections(card: ModelCard, size_bytes: int) -> Iterator[str]:
    contract = CONTRACTS.get(card.contract)
    purpose = contract.purpose if contract else f"the contract {card.contract}"
    yield f"# {card.name}"
    yield ""
    yield f"A TFLite model for pictures taken in low light. It returns {purpose}."
    yield ""
    yield from _tabulate(
        ("precision", card.precision),
        ("size", f"{size_bytes / 1000:.0f} kB"),
        ("input", _describe(card.input)),
        ("output", _describe(card.output)),
        ("converted", f"{card.created}, by edge-dce {card.version}"),
        ("ran with equal results on", ", ".join(card.runtimes) or "not recorded"),
        ("sha256 of the model", f"`{card.sha256}`"),
    )
    yield from ("", "## Use", "")
    if card.contract == IMAGE.name:
        yield "The output is the enhanced picture. Any TFLite runtime runs it."
    else:
        yield from ("```sh", f"edge-dce enhance night.jpg --model {card.name}.tflite -o bright.jpg", "```")
    yield from ("", "## Training", "")
    yield from _tabulate(
        ("data", card.source.data),
        ("recipe", card.source.recipe),
        ("epochs", str(card.source.epochs)),
        ("sha256 of the network", f"`{card.source.checkpoint_sha256}`"),
    )
    if card.calibration is not None:
        yield from ("", "## Calibration", "")
        yield _describe_calibration(card.calibration)
    yield from ("", "## Fidelity", "")
    yield from _list_fidelity(card.fidelity)


def _list_fidelity(fidelity: Fidelity | None) -> Iterator[str]:
    if fidelity is None:
        yield "Not measured."
        return
    yield f"Its enhanced pictures on {fidelity.images} held-out pictures, against {fidelity.against}:"
    yield ""
    rows = [
        ("mean PSNR", f"{fidelity.psnr_db:.2f} dB"),
        ("lowest PSNR", f"{fidelity.worst_psnr_db:.2f} dB"),
        ("largest difference", f"{fidelity.max_abs} of 255 levels"),
    ]
    if fidelity.drop_db is not None:
        rows.append(("PSNR lost against ground truth", f"{fidelity.drop_db:.3f} dB"))
    yield from _tabulate(*rows)
    yield ""
    yield "This tells what the conversion cost. It does not tell how good the pictures are."


def _describe_calibration(calibration: Calibration) -> str:
    how = f"seed {calibration.seed}, ranges: {calibration.ranges}"
    text = f"{calibration.files} pictures set the scales of the integers ({how})."
    return text if calibration.dark_share is None else f"{text} {calibration.dark_share:.0%} of them are dark."


def _describe(tensor: TensorSpec) -> str:
    shape = " × ".join(map(str, tensor.shape))
    color = f" {tensor.color}" if tensor.color else ""
    text = f"{tensor.dtype}{color}, {shape}, {tensor.range[0]:g} to {tensor.range[1]:g}"
    return f"{text}; scale {tensor.scale:.6g}, zero point {tensor.zero_point}" if tensor.scale else text


def _tabulate(*rows: tuple[str, str]) -> Iterator[str]:
    yield "| | |"
    yield "| --- | --- |"
    for name, value in rows:
        # What a network of others calls its data may hold anything.
        yield f"| {name} | {' '.join(value.split()).replace('|', chr(92) + '|')} |"
