"""What an augmentation's fields may say, and what images it may change."""

import pytest

from dualcontrast.trainer.config import schema
from dualcontrast.trainer.errors import UserError


def configuration(kind: str, **fields) -> schema.Config:
    changes = {f"augmentation.{name}": value for name, value in fields.items()}
    return schema.replace(schema.Config(), {"augmentation": kind, **changes})


@pytest.mark.parametrize(
    "kind, fields, words",
    [
        ("simclr", {"least_area": 1.5}, "augmentation.least_area: got 1.5, expected a number > 0"),
        ("simclr", {"hsv_gradient": "none"}, "expected straight_through or exact"),
        ("flip_shift", {"shift": 0.6}, "augmentation.shift: got 0.6"),
        ("simcl", {}, "expected one of none, diffaugment, "),
    ],
)
def test_a_field_that_no_image_could_have_is_refused(kind, fields, words):
    with pytest.raises(UserError, match=words):
        schema.validate(configuration(kind, **fields))


@pytest.mark.parametrize(
    "kind, fields, side, channels, words",
    [
        ("simclr", {"blur": True}, 16, 3, "augmentation.blur=true does nothing .* 16 pixels"),
        ("simclr", {"hsv_gradient": "exact"}, 32, 1, "images of one channel have no hue"),
        ("flip_shift", {"shift": 0.01}, 32, 3, "less than half a pixel of 32:.*shift=0.03125"),
    ],
)
def test_a_field_that_the_datas_images_cannot_have_is_refused(kind, fields, side, channels, words):
    config = configuration(kind, **fields)
    schema.validate(config)
    with pytest.raises(UserError, match=words) as refused:
        schema.resolve(config, side, channels)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("kind", ["diffaugment", "simclr", "flip_shift"])
def test_all_kinds_of_images_may_be_augmented(kind, channels):
    schema.resolve(configuration(kind), 8, channels)
