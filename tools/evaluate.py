"""Measures generated images against real ones: FID, KID, precision and recall, and others.

A run's newest checkpoint, with the small extractor that needs no download:

  dualcontrast-evaluate --run=RUN --data=DATA
  dualcontrast-evaluate --run=RUN/checkpoints/images-200000 --data=DATA --metrics=fid,kid,fddf

As published, which needs the Inception graph of 2015 (docs/evaluation.md says where it is):

  dualcontrast-evaluate --run=RUN --data=DATA --extractor=inception --inception=GRAPH.pb
  dualcontrast-evaluate --run=RUN --data=DATA --extractor=inception --inception=GRAPH.pb \\
      --vgg16=VGG16.npz --lpips=LPIPS.npz --metrics=fid,kid,is,precision_recall,ppl_wend

A run with classes, class by class, and with all classes drawn alike:

  dualcontrast-evaluate --run=RUN --data=DATA --metrics=fid,intra_fid --fakes_per_class=5000
  dualcontrast-evaluate --run=RUN --data=DATA --fake_labels=uniform

An exported model, or images of any origin:

  dualcontrast-evaluate --model=MODEL --data=DATA
  dualcontrast-evaluate --images=FOLDER --data=OTHER_FOLDER

How far the discriminator has overfitted, and how well planes in the latents tell classes:

  dualcontrast-evaluate --run=RUN --data=DATA --metrics=overfitting --validation=HELD_OUT
  dualcontrast-evaluate --run=RUN --metrics=separability --classifier_data=LABELLED
  dualcontrast-evaluate --run=RUN --metrics=separability --classifier=ATTRIBUTES.keras

Every checkpoint of a run while it trains, until it is complete:

  dualcontrast-evaluate --run=RUN --data=DATA --watch

Metrics: fid, kid, is, precision_recall (with density and coverage), fddf (of the run's own
discriminator), overfitting (likewise), intra_fid (of classes), ppl_zfull, ppl_zend, ppl_wfull,
ppl_wend, separability (in z and w). Each result is a line of a table, and all of them, with
everything that decides them, a line of metrics-evaluation.jsonl.
"""

import contextlib
import functools
import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from absl import flags

from dualcontrast.tools.evaluation import evaluation_flags
from dualcontrast.tools.sampling import variety_flags
from dualcontrast.trainer import errors, files, folder_lock, locations, path_flags, tensorflow_start
from dualcontrast.trainer.checkpoints import run_path
from dualcontrast.trainer.errors import UserError
from dualcontrast.trainer.evaluation import metric_names

if TYPE_CHECKING:
    from dualcontrast.tools.evaluation.evaluated import Subject
    from dualcontrast.tools.evaluation.evaluation_session import Session

flags.adopt_module_key_flags(evaluation_flags)
flags.adopt_module_key_flags(variety_flags)
_RUN = path_flags.define(
    "run",
    None,
    "A run's folder, for its newest checkpoint, or one checkpoint.",
    may_have_scheme=True,
)
_MODEL = path_flags.define(
    "model", None, "In place of --run: a SavedModel of a generator; see --trust_model."
)
_IMAGES = path_flags.define("images", None, "In place of --run: a folder of generated images.")
_METRICS = flags.DEFINE_list("metrics", ["fid"], "What to measure, with commas between.")
_FAKE_COUNT = flags.DEFINE_integer(
    "fake_count", None, "Generated images (default: 50,000; all of a folder).", lower_bound=2
)
_FAKE_LABELS = flags.DEFINE_enum(
    "fake_labels",
    None,
    ["data", "uniform"],
    "Classes of a conditional generator's images: as frequent as among the real ones, or all alike"
    " (default: data, where --data has labels).",
)
_PER_CLASS = flags.DEFINE_integer(
    "fakes_per_class", 5000, "Generated images of each class, for intra_fid.", lower_bound=2
)
_PAIRS = flags.DEFINE_integer("ppl_pairs", 50_000, "Pairs for path lengths.", lower_bound=2)
_CROP = flags.DEFINE_bool("ppl_crop", False, "Path lengths look at an aligned face's middle only.")
_SEPARABILITY = flags.DEFINE_integer(
    "separability_count",
    200_000,
    "Generated images for separability, of which half counts.",
    lower_bound=4,
)
_PSI = flags.DEFINE_float("truncation_psi", 1.0, "1: all the variety; 0: the mean image.")
_NOISE = flags.DEFINE_enum(
    "noise", "random", ["random", "fixed"], "Noise maps of each image's own, or the generator's."
)
_SEED = flags.DEFINE_integer("seed", 0, "Of all draws.", lower_bound=0, upper_bound=2**30)
_BATCH = flags.DEFINE_integer("batch_size", 32, "Images an extractor sees at once.", lower_bound=1)
_ERROR_BARS = flags.DEFINE_bool("error_bars", True, "Also say how far fid and fddf can be trusted.")
_OUTPUT = path_flags.define(
    "output", None, "File for the results (default: metrics-evaluation.jsonl in the run's folder)."
)
_SAVE = path_flags.define(
    "save_statistics", None, "Write the real images' statistics to this .npz file, for --data."
)
_WATCH = flags.DEFINE_bool("watch", False, "Wait for new checkpoints of --run and measure each.")
_POLL = flags.DEFINE_float("poll_secs", 30.0, "Seconds between two looks.", lower_bound=0.1)

_FAKES = 50_000


def main(argv: list[str]) -> None:
    """Measures what the flags ask for."""
    errors.no_arguments(argv)
    metrics = check_flags()
    tensorflow_start.start()
    from dualcontrast.tools.evaluation import watching
    from dualcontrast.trainer.evaluation import report

    session, output = _session(metrics), _output()
    with _alone(output):
        if _WATCH.value:
            workdir, of_run = locations.of(_RUN.value), functools.partial(_of_run, session)
            watching.watch(session, workdir, of_run, output, _POLL.value)
            return
        report.append(output, session.evaluate(_subject(session)))
    print(f"added to {output}")


@contextlib.contextmanager
def _alone(output: pathlib.Path) -> Iterator[None]:
    """Keeps another evaluation from measuring for the same file meanwhile; the trainer may add."""
    lock = folder_lock.hold(
        output.with_name(f"{output.name}.lock"),
        f"{output} is being written",
        "Wait for it, or give another file: --output=FILE",
    )
    with contextlib.ExitStack() as stack:
        with files.writing(output):
            stack.enter_context(lock)
        yield


def check_flags() -> tuple[str, ...]:
    """Returns the metrics, after a look at what can be checked before anything is loaded.

    Raises:
      UserError: a flag is wrong, or two contradict each other.
    """
    metrics = tuple(dict.fromkeys(name.strip() for name in _METRICS.value))
    known = [*metric_names.ROLES, *metric_names.PATH_LENGTHS, metric_names.SEPARABILITY]
    for name in metrics or ("",):
        if name not in known:
            raise UserError(f"--metrics={name}: expected some of {', '.join(known)}")
    sources = {"--run": _RUN.value, "--model": _MODEL.value, "--images": _IMAGES.value}
    named = [flag for flag, value in sources.items() if value]
    if len(named) != 1:
        raise UserError(
            f"give one of --run, --model and --images, got {' and '.join(named) or 'none'}"
        )
    for name in ("truncation_threshold", "standing_batches"):
        if flags.FLAGS[name].value and not _RUN.value:
            raise UserError(f"--{name} needs the generator of a run: give --run, not {named[0]}")
    own = [name for name in metrics if metric_names.needs_run(name)]
    if own and not _RUN.value:
        raise UserError(
            f"--metrics={own[0]} needs the networks of a run: give --run, not {named[0]}"
        )
    by_class = [f"--metrics={name}" for name in metrics if name in metric_names.BY_CLASS]
    if _FAKE_LABELS.value:
        by_class.append(f"--fake_labels={_FAKE_LABELS.value}")
    if by_class and _IMAGES.value:
        raise UserError(f"{by_class[0]} needs a generator: give --run or --model, not --images")
    compares = any(name != "is" and name in metric_names.ROLES for name in metrics)
    if compares and not evaluation_flags.DATA.value:
        raise UserError("--data is missing: expected a dataset, a folder of images, or statistics")
    _check_inputs(metrics)
    if _WATCH.value and not (_RUN.value and locations.of(_RUN.value).is_dir()):
        raise UserError("--watch follows a training run: give its folder as --run")
    if _RUN.value:
        run_path.check(locations.of(_RUN.value))
    return metrics


def _check_inputs(metrics: tuple[str, ...]) -> None:
    """Checks that the flags are there that only one metric needs.

    Raises:
      UserError: one is missing, or two exclude each other.
    """
    if "overfitting" in metrics and not evaluation_flags.VALIDATION.value:
        raise UserError(
            "--validation is missing: --metrics=overfitting compares with a dataset of images that"
            " the run has not seen"
        )
    if metric_names.SEPARABILITY not in metrics:
        return
    flag, of_data = evaluation_flags.CLASSIFIER.value, evaluation_flags.CLASSIFIER_DATA.value
    if bool(flag) == bool(of_data):
        raise UserError(
            "--metrics=separability needs one of --classifier and --classifier_data, got"
            f" {'both' if flag else 'none'}"
        )


def _output() -> pathlib.Path:
    """Returns where the results go."""
    from dualcontrast.trainer.checkpoints import checkpoint
    from dualcontrast.trainer.evaluation import report

    if _OUTPUT.value or not _RUN.value:
        return pathlib.Path(_OUTPUT.value or report.FILE_NAME)
    return checkpoint.workdir_of(locations.of(_RUN.value)) / report.FILE_NAME


def _session(metrics: tuple[str, ...]) -> "Session":
    from dualcontrast.tools.evaluation import evaluation_session, requested

    how = requested.Settings(
        batch_size=_BATCH.value,
        error_bars=_ERROR_BARS.value,
        seed=_SEED.value,
        pairs=_PAIRS.value,
        crop=_CROP.value,
        class_count=_PER_CLASS.value,
        separability_count=_SEPARABILITY.value,
        labels=_FAKE_LABELS.value,
        save_statistics=_SAVE.value,
    )
    return evaluation_session.open_session(metrics, how)


def _subject(session: "Session") -> "Subject":
    """Returns what --run, --model or --images names."""
    from dualcontrast.tools.evaluation import evaluated, image_folder, saved_generator

    count = _FAKE_COUNT.value
    if _RUN.value:
        return _of_run(session, _RUN.value)
    if _MODEL.value:
        source = saved_generator.open_model(
            _MODEL.value,
            seed=_SEED.value,
            truncation_psi=_PSI.value,
            trusted=evaluation_flags.TRUST.value,
        )
        return evaluated.of_source(source, count or _FAKES, session.choose)
    return evaluated.Subject(image_folder.open_folder(_IMAGES.value, "--images", count, _FAKES))


def _of_run(session: "Session", path: str) -> "Subject":
    """Returns a checkpoint of a run, with its networks, as the flags want its images.

    Raises:
      UserError: there is none, or it is damaged.
    """
    from dualcontrast.tools.evaluation import evaluated

    return evaluated.of_run(
        path,
        _FAKE_COUNT.value or _FAKES,
        session.choose,
        seed=_SEED.value,
        truncation_psi=_PSI.value,
        random_noise=_NOISE.value == "random",
        threshold=variety_flags.THRESHOLD.value,
        standing_batches=variety_flags.STANDING.value,
    )


def run() -> None:
    """The console command."""
    errors.run(main)


if __name__ == "__main__":
    run()
