"""HTML from text: whatever is not marked as HTML is escaped."""

import html
from collections.abc import Iterable, Sequence


class Html(str):
    """Text that is HTML already."""


def of(content: object) -> Html:
    """Returns HTML that shows `content`; what is `Html` stays as it is."""
    return content if isinstance(content, Html) else Html(html.escape(str(content)))


def join(parts: Iterable[object], between: str = "") -> Html:
    """Returns the parts one after another."""
    return Html(between.join(of(part) for part in parts))


def element(tag: str, content: object = "", **attributes: object) -> Html:
    """Returns `<tag ...>content</tag>`; `class_` is class, `data_x` is data-x."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for name, value in attributes.items()
    )
    return Html(f"<{tag}{written}>{of(content)}</{tag}>")


def section(title: str, lead: object, *content: object) -> Html:
    """Returns a section with its heading and a sentence that says what it shows."""
    name = title.lower().replace(" ", "-")
    head = join([element("h2", title), element("p", lead, class_="lead") if lead else ""])
    return element("section", join([head, *content], "\n"), id=name)


def table(head: Sequence[object], rows: Iterable[Sequence[object]], **attributes: object) -> Html:
    """Returns a table, in a box that scrolls where it is too wide; the first column is a heading.

    Args:
      head: the titles of the columns.
      rows: cells, as many as titles.
      **attributes: of the table.
    """
    titles = join(element("th", title, scope="col") for title in head)
    lines = [element("tr", titles)]
    for first, *others in rows:
        cells = [element("th", first, scope="row"), *(element("td", cell) for cell in others)]
        lines.append(element("tr", join(cells)))
    body = element("thead", lines[0]) + element("tbody", join(lines[1:], "\n"))
    return element("div", element("table", Html(body), **attributes), class_="scroll")


def details(summary: str, content: object) -> Html:
    """Returns what is folded away until somebody asks for it; no script is needed."""
    return element("details", join([element("summary", summary), content]))


def run_name(index: int, name: str) -> Html:
    """Returns the name of a run behind a dot of its colour."""
    return element("span", join([Html('<i class="dot"></i>'), name]), class_=f"name run{index}")
