"""How wide the networks are at every resolution."""


def feature_maps(resolution: int, fmap_base: int, fmap_max: int) -> int:
    """Returns a resolution's feature maps: min(2 * fmap_base / resolution, fmap_max), at least 1.

    The rule of StyleGAN2: fmap_base 8192 is config E, 16384 is config F, fmap_max is 512 in both.
    """
    return max(1, min(2 * fmap_base // resolution, fmap_max))


def resolutions(resolution: int) -> list[int]:
    """Returns 4, 8, ..., resolution.

    Raises:
      ValueError: unless `resolution` is a power of two from 8.
    """
    if resolution < 8 or resolution & (resolution - 1):
        raise ValueError(f"resolution must be a power of two from 8, got {resolution}")
    return [2**k for k in range(2, resolution.bit_length())]


def check_image(channels: int, fmap_base: int, fmap_max: int) -> None:
    """Checks what both networks are told.

    Raises:
      ValueError: for channels other than 1, 3, 4, or widths below 1.
    """
    if channels not in (1, 3, 4):
        raise ValueError(f"channels must be 1, 3 or 4, got {channels}")
    if min(fmap_base, fmap_max) < 1:
        raise ValueError(f"fmap_base and fmap_max must be >= 1, got {fmap_base}, {fmap_max}")
