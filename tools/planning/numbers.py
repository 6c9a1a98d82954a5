"""Every number that a plan is made of, and where it comes from.

A number is one of three kinds: published, measured here (docs/results.md, docs/performance.md), or
ours, which says no more than that a choice had to be made (docs/fidelity.md lists those).
"""

from typing import NamedTuple


class Narrow(NamedTuple):
    """What is trained on a CPU: the size of both networks, and how they are trained."""

    latent_size: int
    mapping_layers: int
    fmap_base: int
    fmap_max: int
    batch: int
    gamma: float
    rate: float
    objective: str
    source: str


_ANY = 2**16
# On a CPU, by the largest side of images that they are for. The first two were trained
# (docs/results.md); the third is what docs/training.md advises, and was not. R1's weight of 10
# learned at 32x32 and 64x64 where 0.5 stalled under the literal objective; with the swapped one 1
# learns at 32x32 and 4 at 64x64. The rate of 0.002 is config E's.
CPU = {
    32: Narrow(64, 2, 256, 32, 16, 1.0, 0.003, "swapped", "configs/demo.py"),
    64: Narrow(128, 4, 512, 96, 16, 4.0, 0.003, "swapped", "configs/emoji64.py"),
    _ANY: Narrow(
        *(128, 4, 2048, 128, 8, 10.0, 0.002, "minimax"),
        "docs/training.md, a quarter of config E's widths; not tried at such sizes",
    ),
}
# On GPUs. Config E has 8192, config F 16384 (Karras et al. 2020, table 1); the program of Karras et
# al. 2020b takes F's from 512x512 on.
GPU_FMAP_BASE, GPU_FMAP_BASE_LARGE, GPU_LARGE = 8192, 16_384, 512

# On GPUs the rules that the program of Karras et al. 2020b calls `auto`: 4096 / side images a
# device, 32 at most, 64 at most on all.
GPU_BATCH_PIXELS, GPU_BATCH_OF_A_DEVICE, GPU_BATCH = 4096, 32, 64
# Ours, from docs/training.md: fewer leave the dual contrastive loss little to contrast with.
LEAST_BATCH = 8

# R1's weight on GPUs. StyleGAN2's config E has 100, at 256x256 in the paper; below by area, as in
# the rule below, and at least what learned at 64x64 on a CPU: ours.
GPU_GAMMA, GPU_GAMMA_RESOLUTION, GPU_GAMMA_LEAST = 100.0, 256, 10.0
# Karras et al. 2020b, appendix C: 0.0002 * side^2 / batch, for the non-saturating loss.
AUTO_GAMMA = 0.0002

# Config E's; 0.0025, and 0.002 from 1024x1024 on, in the program of Karras et al. 2020b.
RATE, AUTO_RATE, AUTO_RATE_LARGE, AUTO_LARGE = 0.002, 0.0025, 0.002, 1024
AUTO_MAPPING_LAYERS = 2  # Likewise.

# Images below which a discriminator learns them by heart: Zhao et al. 2020 and Karras et al. 2020b
# gain most there. The number is ours.
FEW_IMAGES = 10_000
# Passes over the data after which a narrow discriminator had not begun to (docs/results.md: 1,000
# scenes), and DiffAugment cost quality.
SHORT_PASSES = 40
# Ours: fewer images than this are no distribution that a network from scratch could learn.
LEAST_IMAGES = 50

# Warm-up of the dual contrastive loss: "about 20 epochs" (Yu et al. 2021), and a tenth of the run
# at most, which is ours (docs/training.md).
WARMUP_EPOCHS, WARMUP_SHARE = 20, 1 / 10

# The average's half-life: 10,000 images at batch 32 (Karras et al. 2020b), and 5 % of the run at
# most; there it is 5 % of the images so far.
HALF_LIFE, HALF_LIFE_BATCH, HALF_LIFE_SHARE = 10_000, 32, 1 / 20

# Length in images where --hours says nothing: of configs/demo.py (up to 32x32), of
# configs/emoji64.py, of StyleGAN2.
CPU_TOTAL_SMALL, CPU_TOTAL, GPU_TOTAL = 120_000, 150_000, 25_000_000
# The least that a budget has to allow: after 4,000 images grids were noise (docs/training.md),
# after 20,000 blobs with colours and shadows (docs/results.md). The number in between is ours.
LEAST_TOTAL = 10_000

# Ours. Seconds from one line of metrics to the next, and from one checkpoint to the next: what a
# crash loses. Then how often in a run, at least; intervals are rounded down to 1, 2 or 5 and zeros.
LOG_SECONDS, CHECKPOINT_SECONDS = 60, 600
LOGS, CHECKPOINTS, GRIDS, EVALUATIONS = 40, 5, 40, 5
CPU_EVALUATED, GPU_EVALUATED = 2_000, 10_000  # Of configs/demo.py, and the default.

# Of the estimate of trainer/dry_run.py, which is "within a third": what has to be there.
MEMORY_MARGIN = 4 / 3

# Operations a second (two for each multiply-add of a convolution or matrix product) that training
# reaches. On two cores: 360 to 410 images a second of configs/demo.py, of 0.20e9 operations each
# (docs/results.md). More cores were not measured, and are not counted. On a GPU: 44.8 seconds
# a thousand images of config E at 256x256, of 399e9 each, which docs/performance.md predicts for an
# A100 in float32 and nobody measured.
CPU_CORE_SPEED, CPU_CORES = 40e9, 2
GPU_SPEED = 399e9 * 1000 / 44.8

# Mirror: images looked at, at most; parts of the cross-validation; and the ridge, as a share of a
# feature's variance. A set is taken for symmetric where 60 % or more of its images could not be
# told from their mirrors, with two standard errors to spare. All are ours.
MIRROR_IMAGES, MIRROR_PARTS, MIRROR_RIDGE = 2_000, 5, 0.01
MIRROR_TOLD, MIRROR_ERRORS = 0.6, 2.0
