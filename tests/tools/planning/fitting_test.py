"""Parts of a batch by the memory, and the rate that is guessed."""

import pytest

from dualcontrast.tools.planning import fitting, planner, rules, speed
from dualcontrast.tools.planning.mirror import Look
from dualcontrast.tools.planning.situation import Images, Machine
from dualcontrast.trainer import state
from dualcontrast.trainer.errors import UserError


def at(side: int):
    """The plan's configuration on a CPU, of images of a side."""
    images = Images(4_000, side)
    choices = rules.networks_and_losses(images, Machine(0, 2, 1e9), Look(2000, 0.5))
    return planner.configuration(choices, images)


# --dry_run says of emoji64's networks: 0.0245 GB, 0.1281 GB for 16 images at once, 0.8 for
# TensorFlow. With a third more of the first two that is 1.0035 GB, in two parts 0.9181, in four
# 0.8754.
@pytest.mark.parametrize("memory, parts", [(1.01e9, 1), (1.0e9, 2), (0.92e9, 2), (0.91e9, 4)])
def test_a_batch_is_cut_in_as_few_parts_as_fit(memory, parts):
    found = fitting.choice(at(64), Machine(0, 2, memory), at)
    assert found.fields == {"training.accumulation": parts}


def test_images_that_fit_in_no_parts_are_refused_with_the_size_that_fits():
    # The networks at 32x32 need 0.0036 + 0.0277 / 4 GB, a third more, and 0.8: 0.814 GB.
    with pytest.raises(UserError, match="64x64 need 0.82 GiB.*--resolution=32 makes"):
        fitting.choice(at(64), Machine(0, 2, 0.87e9), at)
    with pytest.raises(UserError, match="expected more memory, at any resolution"):
        fitting.choice(at(16), Machine(0, 2, 0.1e9), at)


def test_the_guess_on_a_cpu_is_the_rate_of_the_demo():
    config = at(32)
    work = speed.operations(config, state.make_generator(config), state.make_discriminator(config))
    # F_G = 15.0e6 and F_D = 15.3e6 operations of a pass: 4 and 9 + 6 / 16 of them.
    assert work == pytest.approx(0.2034e9, rel=1e-3)
    found = [speed.guess(work, Machine(0, n, 1e9)).images_per_second for n in (1, 2, 64)]
    # docs/results.md: 360 to 410 on two cores; more are not counted.
    assert 360 < found[1] < 410 and found == pytest.approx([found[1] / 2, found[1], found[1]])
