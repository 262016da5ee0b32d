"""The documentation as data: its pages, and the fenced blocks in them.

The info string says what a block is: ``sh`` is run by the end-to-end tests (``sh exit=1``:
its last command ends with 1), ``console`` belongs to a real cluster or to the page's reader
and is only checked against the command line, ``text`` is output.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[1]
DOCS = TOP / "docs"
GENERATED = "<!-- Made by docs/generate.py"
HERE_DOCUMENT = re.compile(r"<<-?\s*'?(?P<end>[A-Z]+)'?")
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^`]*)$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it stands, what it is, what it holds."""

    page: Path
    line: int
    info: str
    text: str

    @property
    def language(self) -> str:
        return self.info.split(" ", 1)[0]

    @property
    def expected_exit(self) -> int:
        found = re.search(r"\bexit=(\d+)", self.info)
        return int(found.group(1)) if found else 0

    def __str__(self) -> str:
        return f"{self.page.relative_to(TOP)}:{self.line}"


def pages() -> list[Path]:
    """Return README, changelog and every page below docs/, in a stable order."""
    return [TOP / "README.md", TOP / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


def written_pages() -> list[Path]:
    """Return the pages that people write: all but the generated ones."""
    return [page for page in pages() if GENERATED not in page.read_text(encoding="utf-8")]


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of *page* in order, their indentation taken away."""
    opened: tuple[int, str, int] | None = None
    inside: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        fence = FENCE.match(line)
        if opened is None and fence:
            opened = (number, fence["info"].strip(), len(fence["indent"]))
            inside = []
        elif opened is not None and line.strip() == "```":
            yield Block(page=page, line=opened[0], info=opened[1], text="\n".join(inside) + "\n")
            opened = None
        elif opened is not None:
            inside.append(line[opened[2] :])


def commands(block: Block) -> Iterator[str]:
    """Yield the command lines of a ``sh`` or ``console`` block, continued lines joined.

    A ``console`` block marks its commands with ``$ ``; what stands between is output.
    Here-documents are left out.
    """
    end = ""
    for line in block.text.replace("\\\n", " ").splitlines():
        text = line.strip()
        if end:
            end = "" if text == end else end
            continue
        if block.language == "console":
            if not text.startswith("$ "):
                continue
            text = text.removeprefix("$ ")
        if text and not text.startswith("#"):
            opened = HERE_DOCUMENT.search(text)
            end = opened["end"] if opened else ""
            yield HERE_DOCUMENT.sub("", text)
