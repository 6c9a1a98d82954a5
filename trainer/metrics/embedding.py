"""Pictures of features: t-SNE of reals and fakes in one plane, a panel for each network."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from sklearn import decomposition, manifold

from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.metrics import features as tables

_COMPONENTS = 50
# Blue and vermilion of Okabe and Ito 2008, which the colour-blind tell apart.
_REAL, _FAKE = (0, 114, 178), (213, 94, 0)


@dataclasses.dataclass(frozen=True)
class Panel:
    """The features of one network, in the plane.

    Attributes:
      title: of the network.
      reals: [samples, 2] float32.
      fakes: [samples, 2] float32.
    """

    title: str
    reals: np.ndarray
    fakes: np.ndarray


def embed(
    title: str, reals: np.ndarray, fakes: np.ndarray, perplexity: float = 30.0, seed: int = 0
) -> Panel:
    """Returns t-SNE of the features of one network, after a projection on 50 principal components.

    Yu et al. 2021, figure 3, which says neither how many images nor what perplexity: 2,000 of each
    and 30 are a choice. Features of two networks have nothing in common and would part in
    one plane whatever they are, so each network has a plane of its own.

    Args:
      title: of the panel.
      reals: [samples, size] float32 or float64.
      fakes: [samples, size], likewise.
      perplexity: neighbours that a point has, about; less than a third of all points.
      seed: of the projection and the embedding.

    Raises:
      UserError: see `features.checked`, or too few samples for the perplexity.
    """
    reals = tables.checked(reals, "real features", 2)
    fakes = tables.checked(fakes, "fake features", 2, reals.shape[1])
    both = np.concatenate([reals, fakes]).astype(np.float64)
    if not 1 <= perplexity < len(both) / 3:
        raise UserError(
            f"perplexity {perplexity} for {len(both)} samples: expected at least 1 and less than a "
            "third of them"
        )
    components = min(_COMPONENTS, *both.shape)
    principal = decomposition.PCA(components, random_state=seed).fit_transform(both)
    place = manifold.TSNE(perplexity=perplexity, init="pca", random_state=seed)
    points = place.fit_transform(principal)
    return Panel(title, points[: len(reals)], points[len(reals) :])


def picture(panels: Sequence[Panel], side: int = 512) -> np.ndarray:
    """Returns the panels side by side, uint8 [side, panels * side, 3]: blue reals, orange fakes.

    Args:
      panels: at least one.
      side: of a panel in pixels.

    Raises:
      UserError: there is no panel.
    """
    if not panels:
        raise UserError("no panel to draw: expected at least one")
    return np.concatenate([_draw(panel, side) for panel in panels], axis=1)


def _draw(panel: Panel, side: int) -> np.ndarray:
    image = Image.new("RGB", (side, side), "white")
    pen = ImageDraw.Draw(image)
    points = _pixels(np.concatenate([panel.reals, panel.fakes]), side)
    colors = [_REAL] * len(panel.reals) + [_FAKE] * len(panel.fakes)
    radius = max(side / 300, 0.5)
    # In an order of no meaning, so that neither cloud covers the other.
    for index in np.random.default_rng(0).permutation(len(points)):
        x, y = points[index]
        pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colors[index])
    pen.text((8, 6), panel.title, fill="black")
    pen.text((8, side - 18), f"{len(panel.reals)} real", fill=_REAL)
    pen.text((side // 3, side - 18), f"{len(panel.fakes)} generated", fill=_FAKE)
    return np.asarray(image)


def _pixels(points: np.ndarray, side: int) -> np.ndarray:
    """Returns where points lie in a panel, [points, 2], below the title and above the legend."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 24
    return margin + (points - low) / np.maximum(high - low, 1e-12) * (side - 2 * margin)
