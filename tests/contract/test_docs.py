"""The documentation says what is: commands exist, links lead somewhere, pages are fresh."""

import importlib.util
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest
from tests.pages import DOCS, TOP, Block, blocks, commands, pages, written_pages

from labdb.adapters import inventory
from labdb.cli.app import cli

LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
LANGUAGES = {"sh", "console", "text", "yaml", "json", "python", "sql", "mermaid", "ini", "make"}
FRAGMENT = re.compile(r"^(\d+|\+[a-z0-9-]+)\.(feature|bugfix|doc|removal|misc)(\.\d+)?\.md$")
# What a tracked file may not hold: this or any other author's machine, and registry hosts
# (the Debian mirror and the Python index are the host's own business).
PRIVATE = re.compile(
    r"(?<![\w.$/-])/(work|opt/labdb-venv|var/tmp/[A-Za-z])"
    r"|pypi\.python\.org|files\.pythonhosted\.org|registry\.npmjs\.org|deb\.debian\.org"
    r"|/home/[a-z]"
)


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command, info_name=name)
    for child in command.list_commands(context):
        sub = command.get_command(context, child)
        if sub is not None and not sub.hidden:
            yield from _leaves(sub, f"{name} {child}")


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=TOP, check=True, capture_output=True, text=True
    ).stdout
    return [TOP / name for name in listed.split("\0") if name]


def _blocks() -> list[Block]:
    return [block for page in written_pages() for block in blocks(page)]


def _simple_commands(line: str) -> Iterator[list[str]]:
    """Yield the words of each command of a shell line, those in ``$(...)`` too."""
    for inner in re.findall(r"\$\(([^()]+)\)", line):
        yield from _simple_commands(inner)
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";|&()<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set(";|&()<>"):
            yield words
            # What follows a redirection is a file, not a command.
            words = [] if not set(word) & set("<>") else ["(file)"]
        else:
            words.append(word)
    yield words


def _calls(program: str) -> list[tuple[Block, list[str]]]:
    """Return every call of *program* in the written pages, as words."""
    found = []
    for block in _blocks():
        if block.language not in ("sh", "console"):
            continue
        for line in commands(block):
            for words in _simple_commands(line):
                while words and re.fullmatch(r"(?s)[A-Z_]+=.*|export|sudo", words[0]):
                    del words[0]
                if words and Path(words[0]).name == program:
                    found.append((block, words[1:]))
    return found


def _resolve(block: Block, words: list[str]) -> tuple[click.Command, list[str]]:
    command: click.Command = cli
    rest = words
    context = click.Context(cli, info_name="labdb")
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        sub = command.get_command(context, rest[0])
        assert sub is not None, f"{block}: labdb {' '.join(words)}"
        command, rest = sub, rest[1:]
    return command, rest


def test_the_pages_are_read_at_all() -> None:
    assert len(written_pages()) > 20
    assert len(_calls("labdb")) > 20


def test_every_labdb_call_in_the_pages_parses() -> None:
    for block, words in _calls("labdb"):
        command, rest = _resolve(block, words)
        if "--help" in rest or "--version" in rest:
            continue
        assert not isinstance(command, click.Group), f"{block}: labdb {' '.join(words)}"
        try:
            command.make_parser(click.Context(command, **cli.context_settings)).parse_args(
                list(rest)
            )
        except click.UsageError as error:
            pytest.fail(f"{block}: labdb {' '.join(words)}: {error.message}")


def test_every_make_target_in_the_pages_exists() -> None:
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {words[0] for _, words in _calls("make") if words}
    assert named >= {"lab", "test"}
    assert sorted(named - targets) == []


def test_every_playbook_in_the_pages_exists() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages())
    named = set(re.findall(r"playbooks/[a-z_]+\.yml", text))
    assert named
    assert sorted(name for name in named if not (TOP / name).is_file()) == []


def test_every_command_is_explained_in_a_written_page() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in written_pages())
    missing = [name for name, _ in _leaves(cli, "labdb") if name not in text]
    assert missing == []


def test_every_command_and_option_has_help() -> None:
    for name, command in _leaves(cli, "labdb"):
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.help, f"{name} {parameter.name}"


def test_the_generated_pages_are_fresh() -> None:
    stale = [str(path.relative_to(TOP)) for path in _generator().stale()]
    assert stale == [], "run python docs/generate.py"


def test_the_page_of_backups_tells_the_declared_schedule() -> None:
    page = (DOCS / "explanation" / "backups.md").read_text(encoding="utf-8")
    for environment in ("lab", "production"):
        backup = inventory.load(TOP / "inventories" / environment, "proj-pg01").server.backup
        assert f"| `{backup.schedule.full}` |" in page
        assert f"| `{backup.schedule.differential}` |" in page
        assert f"| {backup.retention_days} days of full backups" in page
        assert f"every {backup.archive_timeout_seconds // 60} minutes" in page


def test_every_block_says_what_it_is() -> None:
    assert [str(block) for block in _blocks() if block.language not in LANGUAGES] == []


def test_a_console_block_holds_a_command() -> None:
    loose = [
        str(block)
        for block in _blocks()
        if block.language == "console" and not list(commands(block))
    ]
    assert loose == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(TOP)))
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    for match in LINK.finditer(text):
        target, _, anchor = match["target"].partition("#")
        if re.match(r"^[a-z]+:", target):
            continue
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{page.relative_to(TOP)}: {match['target']}"
        if anchor and path.suffix == ".md":
            assert anchor in _anchors(path), f"{page.relative_to(TOP)}: {match['target']}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }


def test_every_page_is_reached_from_the_index() -> None:
    reached: set[Path] = set()
    waiting = [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.is_file():
            continue
        reached.add(page)
        for match in LINK.finditer(page.read_text(encoding="utf-8")):
            target = match["target"].partition("#")[0]
            if target and not re.match(r"^[a-z]+:", target):
                waiting.append((page.parent / target).resolve())
    lost = sorted(set(DOCS.rglob("*.md")) - reached)
    assert [str(page.relative_to(TOP)) for page in lost] == []


def test_the_readme_opens_with_a_terminal_session() -> None:
    first = next(blocks(TOP / "README.md"))
    assert first.language == "console"
    assert "labdb provision proj-pg01" in first.text
    assert first.line < 12


def test_no_tracked_file_names_a_private_path_or_a_registry() -> None:
    named = []
    for path in _tracked():
        if path == Path(__file__) or path.is_symlink() or not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", errors="replace")
        named += [f"{path.relative_to(TOP)}: {match.group()}" for match in PRIVATE.finditer(text)]
    assert named == []


def test_every_changelog_fragment_is_named_for_towncrier() -> None:
    fragments = [
        path.name
        for path in (TOP / "changelog.d").iterdir()
        if path.is_file() and path.name != ".gitignore"
    ]
    assert fragments
    assert [name for name in fragments if not FRAGMENT.match(name)] == []
    assert "<!-- towncrier release notes start -->" in (TOP / "CHANGELOG.md").read_text("utf-8")


def test_every_lab_limit_says_what_to_check_on_a_real_node() -> None:
    limits = sorted((DOCS / "explanation" / "lab-limits").glob("*.md"))
    told = [page for page in limits if page.name != "index.md"]
    assert len(told) >= 10
    for page in told:
        text = page.read_text(encoding="utf-8")
        assert "## On a real node" in text, page.name
        assert len(text.split()) < 400, page.name


def test_every_file_that_is_said_to_be_on_the_guest_is_written_by_a_role() -> None:
    page = (DOCS / "reference" / "guest-files.md").read_text(encoding="utf-8")
    named = {Path(name).name for name in re.findall(r"`(/etc/[^`]+)`", page)}
    written = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (TOP / "roles").rglob("*")
        if path.is_file() and path.suffix in (".yml", ".j2") and "molecule" not in path.parts
    )
    missing = {name for name in named if name not in written and not name.endswith(".mount")}
    assert sorted(missing) == []
