"""The sections of pictures: grids over time with a slider, and attention maps."""

from dualcontrast.tools.report_page import embedding, markup
from dualcontrast.tools.report_page.markup import Html
from dualcontrast.tools.report_page.run_folder import Run

# Pixels of the screen that a picture of one of two columns is shown in, in whole multiples.
_COLUMN = 530


def section(runs: list[Run], most_bytes: float) -> Html | None:
    """Returns the section of grids, None where no run has any.

    Args:
      runs: to show.
      most_bytes: of all pictures together, before base64.

    Raises:
      UserError: a picture cannot be read.
    """
    shown = [(index, run) for index, run in enumerate(runs) if run.grids]
    if not shown:
        return None
    share = most_bytes / len(shown)
    kept = {index: embedding.thinned([*run.grids], embedding.MOST_GRIDS) for index, run in shown}
    stops = sorted({stop for part in kept.values() for stop in part})
    panels = [_panel(index, run, kept[index], share) for index, run in shown]
    return markup.section(
        "Samples over time",
        "Images of the same latents by the averaged generator. Drag the slider, or focus it and "
        "use the arrow keys.",
        _slider(stops),
        markup.element("div", markup.join(panels, "\n"), class_="panels"),
    )


def attention(runs: list[Run], most_bytes: float) -> Html | None:
    """Returns the section of attention maps, None where no run has any.

    Raises:
      UserError: a picture cannot be read.
    """
    shown = [(index, run) for index, run in enumerate(runs) if run.attention]
    if not shown:
        return None
    content = []
    for index, run in shown:
        paths = embedding.thinned(run.attention, embedding.MOST_GRIDS)
        pictures, done = embedding.embed(paths, most_bytes / len(shown))
        figures = [
            _figure(path.stem.replace("_", " "), _image(picture, f"attention: {path.stem}"))
            for path, picture in zip(paths, pictures)
        ]
        note = _note(len(paths), len(run.attention), done)
        content += [markup.element("h3", markup.run_name(index, run.name)), note]
        content.append(markup.element("div", markup.join(figures), class_="maps"))
    lead = "Where the networks look from the marked points: one map a point."
    return markup.section("Attention maps", lead, *content)


def _slider(stops: list[int]) -> Html:
    """The slider: hidden until there is a script that hears it."""
    last = len(stops) - 1
    return Html(
        f'<form class="slider" hidden data-stops="{",".join(map(str, stops))}">'
        '<button type="button" aria-label="Play">▶</button>'
        f'<input type="range" min="0" max="{last}" value="{last}" step="1"'
        ' aria-label="Images seen">'
        f"<output>{stops[-1]:,} images</output></form>"
    )


def _panel(index: int, run: Run, stops: list[int], most_bytes: float) -> Html:
    paths = [run.grids[stop] for stop in stops] + ([run.reals] if run.reals else [])
    pictures, done = embedding.embed(paths, most_bytes)
    fakes = [
        _image(picture, f"{run.name}: generated after {stop:,} images", data_images=stop)
        for stop, picture in zip(stops, pictures)
    ]
    # The last one is what stands here without a script.
    frames = [Html(image.replace("<img", "<img hidden")) for image in fakes[:-1]] + fakes[-1:]
    caption = markup.join(["generated after ", markup.element("b", f"{stops[-1]:,}"), " images"])
    wide = pictures[0].width > _COLUMN  # Made smaller until somebody asks for the whole.
    how = {"class_": "wide", "tabindex": "0"} if wide else {"class_": "narrow"}
    stack = markup.element("div", markup.join(frames), class_="frames")
    columns = [_figure(caption, stack, **how)]
    if run.reals:
        reals = _image(pictures[-1], f"{run.name}: real images")
        columns.append(_figure("real", reals, **how))
    head = markup.element("h3", markup.run_name(index, run.name))
    note = _note(len(stops), len(run.grids), done)
    pair = markup.element("div", markup.join(columns), class_="pair")
    return markup.element("article", markup.join([head, note, pair]))


def _figure(caption: object, content: Html, **attributes: str) -> Html:
    label = markup.element("figcaption", caption)
    return markup.element("figure", markup.join([content, label]), **attributes)


def _image(picture: embedding.Picture, text: str, **attributes: object) -> Html:
    times = max(1, _COLUMN // picture.width)
    made = markup.element(
        "img",
        src=picture.source,
        alt=text,
        width=times * picture.width,
        height=times * picture.height,
        **attributes,
    )
    return Html(made.removesuffix("</img>"))


def _note(shown: int, total: int, done: str) -> Html:
    thin = f"{shown} of {total} pictures" if shown < total else ""
    words = ", ".join(filter(None, [thin, done]))
    return markup.element("p", f"({words})", class_="note") if words else Html("")
