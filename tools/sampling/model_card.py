"""The text that travels with an exported generator: what it is, and how it is called."""

from dualcontrast.trainer.config import loss_sections, schema
from dualcontrast.trainer.config.families import stylegan2


def model_card(config: schema.Config, images_seen: int, max_batch: int) -> str:
    """Returns the README.md of an export, in Markdown.

    Args:
      config: of the run, resolved.
      images_seen: by the exported generator.
      max_batch: images of one call, at most.
    """
    data, loss = config.data, config.loss
    g = stylegan2.Generator.expect(config.generator)
    latents = 2 * (data.resolution.bit_length() - 2)
    game = loss.family.replace("_", " ")
    if isinstance(loss, loss_sections.DualContrastive):
        game += f" ({loss.generator_objective}), after {loss.warmup_images:,} images of warm-up"
    return _CARD.format(
        resolution=data.resolution,
        channels=data.channels,
        images_seen=images_seen,
        game=game,
        latent_size=g.latent_size,
        latents=latents,
        w_size=g.w_size,
        max_batch=max_batch,
    )


_CARD = """\
# A generator of {resolution} x {resolution} images

A StyleGAN2 generator with the moving average of its weights, in float32. Its discriminator was
shown {images_seen:,} real images; the adversarial loss was {game}.
Everything that it was trained with is in `config.json`.

It draws images like those that it was trained on, with their gaps and biases, and can come close to
single ones of them. Whose images these were, and what may be done with images like them, is for
whoever trained it to say.

## Signatures

| name | takes | returns |
|---|---|---|
| `latents` | `z` float32 [batch, {latent_size}], normal; `truncation_psi` | `images`, `w` |
| `seeds` | `seed` int64; `count` int32; `truncation_psi` | `png_bytes`: [count] files |
| `w` | `w` float32 [batch, {latents}, {w_size}], one a layer | `images` |

`images` are float32 [batch, {resolution}, {resolution}, {channels}], nominally in [-1, 1].
The `w` that `latents` returns makes the same images again. `seeds` makes the images of the seeds
from `seed` on, always the same ones. `serving_default` is `latents`.

**One call gives from 0 to {max_batch} images**, which was chosen at export (`--max_batch`). A batch
or a `count` beyond that is refused with INVALID_ARGUMENT before anything is computed; ask in parts.

`truncation_psi` is 1 when it is left out: the whole variety; towards 0, images come closer to the
mean image.

## From Python, with TensorFlow alone

```python
import tensorflow as tf

model = tf.saved_model.load("path/of/this/folder")
png = model.seeds(0, 4)["png_bytes"]
tf.io.write_file("seed0.png", png[0])

images = model.latents(tf.random.normal([16, {latent_size}]), 0.7)["images"]
```

`model.signatures["latents"](z=z, truncation_psi=tf.constant(0.7))` is the same with every argument
named and given.

## From the command line

```sh
saved_model_cli show --dir path/of/this/folder --all
saved_model_cli run --dir path/of/this/folder --tag_set serve --signature_def seeds \\
  --input_exprs 'seed=0;count=4' --outdir png
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
