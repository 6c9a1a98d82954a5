"""The section of data cards: what each run was trained on."""

from collections.abc import Sequence

from dualcontrast.tools.report_page import markup
from dualcontrast.tools.report_page.markup import Html
from dualcontrast.tools.report_page.run_folder import Run
from dualcontrast.trainer.checkpoints import checkpoint
from dualcontrast.trainer.data import manifest
from dualcontrast.trainer.formatting import short_number

_KINDS = {1: "grey", 3: "RGB", 4: "RGBA"}
_CROPS = {
    "none": "none: images that are not square were refused",
    "center": "the largest square in the middle",
    "squash": "none: squeezed into a square",
    "celeba": "the usual crop of aligned CelebA",
}
_CLASSES_SHOWN = 12


def section(runs: list[Run]) -> Html:
    """Returns the section."""
    cards = []
    for index, run in enumerate(runs):
        facts = _of_run(run) | _of_classes(run)
        facts |= _of_manifest(run.dataset) if run.dataset else {}
        rows = [
            markup.join([markup.element("dt", name), markup.element("dd", value)])
            for name, value in facts.items()
        ]
        title = markup.element("h3", markup.run_name(index, run.name))
        card = [title, markup.element("dl", markup.join(rows))]
        if not run.dataset:
            hint = "Where the images came from stands in the dataset: give it as --data=DATASET."
            card.append(markup.element("p", hint, class_="note"))
        cards.append(markup.element("article", markup.join(card), class_="card"))
    lead = "The images that the discriminator was shown as real."
    return markup.section(
        "Data", lead, markup.element("div", markup.join(cards, "\n"), class_="cards")
    )


def _of_run(run: Run) -> dict[str, object]:
    data, count = run.config.data, run.data.get("count")
    passes = f", {short_number(run.images_seen / count)} passes over the data" if count else ""
    facts: dict[str, object] = {
        "Images": f"{count:,}" if count else "unknown",
        "Size": f"{data.resolution} × {data.resolution} pixels, {_KINDS[data.channels]}",
        "Shown so far": f"{run.images_seen:,}{passes}",
        "Mirrored": "with probability 1/2" if data.mirror else "never",
    }
    digests = run.data.get("sha256", [])
    if digests:
        first = markup.element("code", f"{digests[0][:16]}…")
        facts["Shards"] = markup.join([f"{len(digests)}; sha256 of the first ", first])
    return facts


def _of_classes(run: Run) -> dict[str, object]:
    classes = checkpoint.read_classes(str(run.folder))
    if classes:
        return {"Classes": _listed(classes)}
    unused = run.dataset.classes if run.dataset else ()
    return {"Classes": f"{_listed(unused)} Not used by this run."} if unused else {}


def _listed(classes: Sequence[manifest.Category]) -> str:
    """All classes in words, or of many the first and the range of the rest."""
    shown = ", ".join(f"{found.name} {found.count:,}" for found in classes[:_CLASSES_SHOWN])
    rest = [found.count for found in classes[_CLASSES_SHOWN:]]
    more = f", and {len(rest):,} more of {min(rest):,} to {max(rest):,} images" if rest else ""
    return f"{len(classes):,}, with images: {shown}{more}."


def _of_manifest(dataset: manifest.Manifest) -> dict[str, object]:
    size = sum(shard.bytes for shard in dataset.shards)
    request = dataset.request
    facts: dict[str, object] = {
        "Source": markup.element("code", dataset.source),
        "Refused": f"{dataset.rejected:,} images of the source (rejected.csv)",
        "Crop": _CROPS.get(dataset.crop, dataset.crop),
        "Resized": f"with the {dataset.filter} filter",
        "Stored": f"{dataset.encoding.upper()}, {short_number(size)}B",
    }
    if "background" in request:
        red_green_blue = ", ".join(map(str, request["background"]))
        facts["Background"] = f"{red_green_blue} behind transparent images"
    if "shuffle" in request:
        facts["Order"] = f"shuffled, seed {request.get('seed')}" if request["shuffle"] else "stored"
    return facts
