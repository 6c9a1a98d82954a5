"""Linear separability of a generator of ours, in z and, where it has a mapping, in w."""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from dualcontrast.layers import networks
from dualcontrast.trainer import seeds
from dualcontrast.trainer.evaluation import fake_labels, gather, generated
from dualcontrast.trainer.evaluation.attribute_classifier import Classifier
from dualcontrast.trainer.evaluation.fake_labels import Frequencies
from dualcontrast.trainer.evaluation.gather import Need
from dualcontrast.trainer.evaluation.generated import Source
from dualcontrast.trainer.evaluation.image_set import ImageSet
from dualcontrast.trainer.evaluation.measure import Result
from dualcontrast.trainer.evaluation.metric_names import MAIN, SEPARABILITY
from dualcontrast.trainer.metrics import linear_separability

_BATCH = 1024  # Latents at once.
_PROBABILITIES = "all numbers lie in [0, 1], expected logits and not probabilities"


def measure(
    source: Source,
    generator: networks.Generator,
    classifier: Classifier,
    *,
    count: int,
    batch_size: int,
    frequencies: Frequencies | None = None,
    on_count: Callable[[int], None] = lambda count: None,
) -> dict[str, Result]:
    """Returns the separability by its name, separability_z and separability_w.

    Karras et al. 2019, section 4.2, with as many attributes as the classifier tells. The images are
    those that every other metric takes; w is the mapping's, before truncation.

    Args:
      source: of the images.
      generator: behind it.
      classifier: of the attributes.
      count: images, of which half is kept for each attribute.
      batch_size: images that the classifier sees at once.
      frequencies: of the classes, where the generator has any.
      on_count: receives the number of images read so far.

    Raises:
      UserError: an image or a logit is not what it should be.
    """
    images = source.images(count, frequencies)
    need = Need(classifier.extractor, batch_size)
    logits = classifier.logits(gather.gather(images, {MAIN: need}, on_count)[MAIN])
    names = [fake_labels.shown(name) for name in classifier.attributes]
    results = {}
    for space, latents in _latents(source, generator, images):
        estimate = linear_separability.estimate(latents, logits, names=names)
        if logits.min() >= 0 and logits.max() <= 1:
            estimate = estimate.warned(_PROBABILITIES)
        results[f"{SEPARABILITY}_{space}"] = Result(estimate, classifier.name, classifier.note)
    return results


def _latents(
    source: Source, generator: networks.Generator, images: ImageSet
) -> Iterator[tuple[str, np.ndarray]]:
    """Yields "z" and perhaps "w" with the images' own, [count, size] float32, one at a time."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)], autograph=False)
    def draw(numbers):
        return seeds.latents(numbers, generator.latent_size, generator.latent)

    def all_of(place: Callable[[slice, tf.Tensor], tf.Tensor]) -> np.ndarray:
        parts = []
        for first in range(0, images.count, _BATCH):
            last = min(first + _BATCH, images.count)
            z = draw(generated.numbers(source.seed, first, last))
            parts.append(place(slice(first, last), z).numpy())
        return np.concatenate(parts)

    yield "z", all_of(lambda batch, z: z)
    if generator.mapping is None:
        return
    labels = images.labels() if images.labels else None

    def mapped(batch: slice, z: tf.Tensor) -> tf.Tensor:
        how = {} if labels is None else {"labels": tf.constant(labels[batch])}
        return generator.mapping(z, **how)

    yield "w", all_of(mapped)
