"""The data card says what a run was trained on, classes included."""

import json
import re

import pytest

from dualcontrast.tools.report_page import data_card, run_folder
from dualcontrast.trainer.config import schema, serialisation
from dualcontrast.trainer.data import manifest

SHA = "ab" * 32


def card(folder, counts: list[int], is_used: bool, is_there: bool = True) -> str:
    """What a reader sees of a run's card; its images have a class for each count."""
    classes = tuple(manifest.Category(f"kind <{n}>", count) for n, count in enumerate(counts))
    fields = {"data.resolution": 8, "data.channels": 3, "loss": "non_saturating"}
    fields |= {"data.labels": True, "data.classes": len(counts)} if is_used else {}
    (folder / "run").mkdir()
    text = serialisation.to_json(schema.replace(schema.Config(), fields))
    (folder / "run" / "config.json").write_text(text)
    known = [{"name": found.name, "count": found.count} for found in classes] if is_used else []
    count = sum(counts) or 5
    data = {"count": count, "sha256": [SHA], "classes": known}
    (folder / "run" / "data.json").write_text(json.dumps(data))
    (folder / "data").mkdir()
    shard = manifest.Shard(manifest.shard_name(0, 1), count, 5000, SHA)
    found = manifest.Manifest(
        *(folder / "data", 1, count, 8, 3, "png", "none", "box", "in", 0, {}, (shard,)),
        classes,
    )
    (folder / "data" / "manifest.json").write_text(manifest.to_json(found))
    datasets = [str(folder / "data")] if is_there else []
    shown = data_card.section(run_folder.read([str(folder / "run")], datasets))
    return re.sub(r"</?d[dt]>", "|", shown)


@pytest.mark.parametrize("is_there", [True, False], ids=["with dataset", "without"])
def test_classes_are_shown_with_their_images(tmp_path, is_there):
    words = "2, with images: kind &lt;0&gt; 1,200, kind &lt;1&gt; 7."
    assert f"|Classes||{words}|" in card(tmp_path, [1200, 7], is_used=True, is_there=is_there)


def test_of_many_classes_the_first_are_shown(tmp_path):
    text = card(tmp_path, [*range(100, 112), 8, 1300, 0], is_used=True)
    assert "|15, with images: kind &lt;0&gt; 100, " in text
    assert "kind &lt;11&gt; 111, and 3 more of 0 to 1,300 images.|" in text


def test_classes_that_a_run_does_not_use_are_said_to_be_so(tmp_path):
    text = card(tmp_path, [3, 4], is_used=False)
    assert "kind &lt;1&gt; 4. Not used by this run.|" in text


def test_without_classes_nothing_is_said_of_them(tmp_path):
    assert "Classes" not in card(tmp_path, [], is_used=False)
