"""The text that travels with an exported generator: what it is, and how it is called."""

import json
from collections.abc import Sequence

from dualcontrast.layers import networks
from dualcontrast.trainer.config import loss_sections, schema

_NAMES_SHOWN = 100


def model_card(
    generator: networks.Generator,
    config: schema.Config,
    images_seen: int,
    max_batch: int,
    class_names: Sequence[str] = (),
) -> str:
    """Returns the README.md of an export, in Markdown.

    Args:
      generator: that is exported.
      config: of its run, resolved.
      images_seen: by the generator.
      max_batch: images of one call, at most.
      class_names: of its classes, by number.
    """
    loss = config.loss
    objective = loss.family.replace("_", " ")
    if isinstance(loss, loss_sections.DualContrastive):
        objective += (
            f" ({loss.generator_objective}), after {loss.warmup_images:,} images of warm-up"
        )
    has_mapping, has_classes = generator.mapping is not None, bool(generator.classes)
    uniform = generator.latent == "uniform"
    has_average = bool(config.schedule.average.half_life_images)
    parts = [
        _HEAD,
        _CLASSES if has_classes else "",
        _SIGNATURES,
        _W_ROW if has_mapping else "",
        _SIGNATURES_SAY,
        _LABELS_SAY if has_classes else "",
        _MAPPING_SAYS if has_mapping else "",
        _BOUND,
        _PYTHON_OF_CLASSES if has_classes else _PYTHON,
        _ELSEWHERE,
    ]
    psi = "; `truncation_psi`" if has_mapping else ""
    return "".join(parts).format(
        resolution=generator.resolution,
        channels=generator.channels,
        family=config.generator.family,
        average=" with the moving average of its weights," if has_average else "",
        images_seen=images_seen,
        objective=objective,
        classes=generator.classes,
        last=generator.classes - 1,
        names=_listed(class_names),
        latent_size=generator.latent_size,
        latent="uniform from -1 to 1" if uniform else "normal",
        drawn="tf.random.uniform" if uniform else "tf.random.normal",
        ends=", -1, 1" if uniform else "",
        latents=generator.synthesis.latents if has_mapping else 0,
        w_size=generator.mapping.w_size if has_mapping else 0,
        latents_take=("; `labels` int64 [batch]" if has_classes else "") + psi,
        latents_return="`images`, `w`" if has_mapping else "`images`",
        seeds_take=("; `label` int64" if has_classes else "") + psi,
        psi=", 0.7" if has_mapping else "",
        named_psi=", truncation_psi=tf.constant(0.7)" if has_mapping else "",
        max_batch=max_batch,
        # What the examples ask for is no more than one call gives.
        few=min(4, max_batch),
        some=min(16, max_batch),
    )


def _listed(names: Sequence[str]) -> str:
    rows = [f"| {number} | {_quoted(name)} |" for number, name in enumerate(names[:_NAMES_SHOWN])]
    if len(names) > _NAMES_SHOWN:
        rows.append("| ... | `model.classes` has them all |")
    return "\n".join(rows)


def _quoted(name: str) -> str:
    """Returns a name as it stands in a cell of a table, whatever is in it."""
    return json.dumps(name, ensure_ascii=False).replace("|", "\\|").replace("`", "\\`")


_HEAD = """\
# A generator of {resolution} x {resolution} images

A generator of the family `{family}`,{average} in float32.
Its discriminator was shown {images_seen:,} real images; the adversarial loss was {objective}.
Everything that it was trained with is in `config.json`.

It draws images like those that it was trained on, with their gaps and biases, and can come close to
single ones of them. Whose images these were, and what may be done with images like them, is for
whoever trained it to say.

"""

_CLASSES = """\
## Classes

It draws images of {classes} classes, numbered from 0 to {last}. `model.classes` has their names.

| label | class |
|---|---|
{names}

"""

_SIGNATURES = """\
## Signatures

| name | takes | returns |
|---|---|---|
| `latents` | `z` float32 [batch, {latent_size}], {latent}{latents_take} | {latents_return} |
| `seeds` | `seed` int64; `count` int32{seeds_take} | `png_bytes`: [count] files |
"""

_W_ROW = """\
| `w` | `w` float32 [batch, {latents}, {w_size}], one a layer | `images` |
"""

_SIGNATURES_SAY = """
`images` are float32 [batch, {resolution}, {resolution}, {channels}], nominally in [-1, 1].
`seeds` makes the images of the seeds from `seed` on, always the same ones. `serving_default` is
`latents`.
"""

_LABELS_SAY = """
`labels` are the classes of the images, one for each z. `label` is that of all images; -1, and when
it is left out, each seed has a class of its own, always the same one. Any other number than a class
is refused with INVALID_ARGUMENT.
"""

_MAPPING_SAYS = """
`truncation_psi` is 1 when it is left out: the whole variety; towards 0, images come closer to the
mean image. The `w` that `latents` returns makes the same images again.
"""

_BOUND = """
**One call gives from 0 to {max_batch} images**, which was chosen at export (`--max_batch`). A batch
or a `count` beyond that is refused with INVALID_ARGUMENT before anything is computed; ask in parts.

"""

_PYTHON = """\
## From Python, with TensorFlow alone

```python
import tensorflow as tf

model = tf.saved_model.load("path/of/this/folder")
png = model.seeds(0, {few})["png_bytes"]
tf.io.write_file("seed0.png", png[0])

z = {drawn}([{some}, {latent_size}]{ends})
images = model.latents(z{psi})["images"]
```

`model.signatures["latents"](z=z{named_psi})` is the same with every argument
named and given.
"""

_PYTHON_OF_CLASSES = """\
## From Python, with TensorFlow alone

```python
import tensorflow as tf

model = tf.saved_model.load("path/of/this/folder")
names = [name.decode(errors="replace") for name in model.classes.numpy()]
png = model.seeds(0, {few}, label={last})["png_bytes"]  # of names[{last}]
tf.io.write_file("seed0.png", png[0])

z = {drawn}([{some}, {latent_size}]{ends})
labels = tf.random.uniform([{some}], 0, {classes}, tf.int64)
images = model.latents(z, labels{psi})["images"]
```

`model.signatures["latents"](z=z, labels=labels{named_psi})` is the same
with every argument named and given.
"""

_ELSEWHERE = """
## From the command line

```sh
saved_model_cli show --dir path/of/this/folder --all
saved_model_cli run --dir path/of/this/folder --tag_set serve --signature_def seeds \\
  --input_exprs 'seed=0;count={few}' --outdir png
```

## From Keras, with this project's layers

```python
import pathlib
from dualcontrast.trainer import state
from dualcontrast.trainer.config import serialisation

config = serialisation.from_json(pathlib.Path("config.json").read_text())
generator = state.make_generator(config)
generator.load_weights("generator.weights.h5")
```
"""
