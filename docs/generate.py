"""Write the generated reference pages; ``--check`` only says which are stale.

python docs/generate.py [--check]
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import yaml

from labdb import errors
from labdb.adapters import query_library
from labdb.adapters.catalogue import models
from labdb.adapters.inventory import load
from labdb.cli import app
from labdb.cli.app import cli
from labdb.domain import privileges
from labdb.domain.catalogue import check, verdict
from labdb.domain.catalogue.table import Table
from labdb.domain.connections import connection_limits
from labdb.domain.desired import DesiredGuest
from labdb.domain.runbook import runbook
from labdb.domain.schema import json_schema
from labdb.domain.tuning import Inputs, tune
from labdb.domain.variables import postgresql_parameters
from labdb.size import human_size
from labdb.spec import Server
from labdb.spec.check import Statistic

TOP = Path(__file__).resolve().parents[1]
REFERENCE = TOP / "docs" / "reference"
BEGIN, END = "<!-- begin variables -->", "<!-- end variables -->"
WHO = "labdb@pve!provision"
FUNCTION = re.compile(
    r"CREATE FUNCTION (\w+)\(([^)]*)\)\s*(?:RETURNS (TABLE \([^)]*\)|[\w@:. \[\]]+?))?\s*LANGUAGE"
)
COMMENT = re.compile(r"COMMENT ON FUNCTION (\w+) IS\s+'((?:[^']|'')*)'")
SKY = """The extension `labdb` has them, in the schema of that name. Right ascension and declination
are ICRS; these, radii and separations are degrees. A condition that begins with `in_` is answered
by an index on `q3c_ang2ipix(ra, dec)`. [Search the sky](../how-to/search-the-sky.md) shows them at
work.
"""
NOTE = "<!-- Made by docs/generate.py; edit the source, not this page. -->\n"


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _cell(value: Any) -> str:
    text = " ".join(value) if isinstance(value, list) else str(value)
    return " ".join(text.split()).replace("|", "\\|")


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(_cell(cell) for cell in line) + " |\n" for line in lines)


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    context = click.Context(command, info_name=name, terminal_width=96, **cli.context_settings)
    yield name, command.get_help(context)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            sub = command.get_command(context, child)
            if sub is not None and not sub.hidden:
                yield from _commands(sub, f"{name} {child}")


def commands_page() -> str:
    """Return the page of all commands: their own ``--help``."""
    parts = [NOTE, "# Commands\n", "Every command prints this page's text with `--help`.\n"]
    for name, text in _commands(cli, "labdb"):
        parts.append(f"## {name}\n\n```text\n{text.rstrip()}\n```\n")
    return "\n".join(parts)


def _type_of(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rsplit("/", 1)[-1]
    for several in ("anyOf", "oneOf"):
        if several in field:
            return " or ".join(_type_of(part) for part in field[several])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_type_of(field.get('items', {}))}"
    if "const" in field:
        return f"`{field['const']}`"
    return str(field.get("format") or field.get("type", "any"))


def _default(field: dict[str, Any]) -> str:
    """Return a default as JSON; that of a mapping stands in the mapping's own table."""
    default = field.get("default")
    if isinstance(default, dict) and default:
        return f"see {_type_of(field)}"
    return f"`{json.dumps(default)}`"


def declaration_page() -> str:
    """Return the page of the declarations, one table a mapping."""
    server, host = json_schema(), json_schema("labdb_repository_host")
    models = {
        "Server": server,
        "RepositoryHost": host,
        **host.get("$defs", {}),
        **server.get("$defs", {}),
    }
    parts = [
        NOTE,
        "# The declaration\n",
        "`inventories/<environment>/host_vars/<server>/server.yml` holds one mapping,",
        "`labdb_server`, of the type Server below. The same as JSON Schema:",
        "[declaration.schema.json](declaration.schema.json), or `labdb schema`.\n",
        "`inventories/<environment>/host_vars/<host>/repository_host.yml` holds",
        "`labdb_repository_host`, of the type RepositoryHost:",
        "`labdb schema --kind repository-host`.\n",
    ]
    for name, model in models.items():
        if "properties" not in model:
            continue
        required = set(model.get("required", []))
        rows = [
            (
                f"`{key}`",
                _type_of(field),
                "required" if key in required else _default(field),
                field.get("description", ""),
            )
            for key, field in model["properties"].items()
        ]
        parts.append(f"## {name}\n\n{model.get('description', '')}\n")
        parts.append(_table(("Key", "Type", "Default", "Meaning"), rows))
    return "\n".join(parts)


def _role_rows(role: Path) -> list[tuple[Any, ...]]:
    options = _read(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    return [
        (
            f"`{name}`",
            option["type"],
            f"`{json.dumps(option['default'])}`" if "default" in option else "required",
            option["description"],
        )
        for name, option in options.items()
    ]


def _roles() -> list[Path]:
    return sorted(path for path in (TOP / "roles").iterdir() if path.is_dir())


def roles_page() -> str:
    """Return the page of all role variables."""
    parts = [NOTE, "# Role variables\n"]
    for role in _roles():
        specs = _read(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]
        parts.append(f"## {role.name}\n\n{specs['short_description']}.\n")
        parts.append(_table(("Variable", "Type", "Default", "Meaning"), _role_rows(role)))
    return "\n".join(parts)


def role_readme(role: Path) -> str:
    """Return the role's README with its table of variables brought up to date."""
    text = (role / "README.md").read_text(encoding="utf-8")
    table = _table(("Variable", "Type", "Default", "Meaning"), _role_rows(role))
    if BEGIN not in text:
        text = f"{text.rstrip()}\n\n## Variables\n\n{BEGIN}\n{END}\n"
    head, rest = text.split(BEGIN, 1)
    return f"{head}{BEGIN}\n\n{table}\n{END}{rest.split(END, 1)[1]}"


def _proj_pg01() -> Server:
    source = TOP / "inventories" / "production" / "host_vars" / "proj-pg01" / "server.yml"
    return Server.model_validate(_read(source)["labdb_server"])


def privileges_page() -> str:
    """Return the page of what the API token may do, path by path, with the commands."""
    wanted = DesiredGuest.of(_proj_pg01())
    needed = privileges.required(wanted, "9")
    lines = [
        *(
            f'$ pveum role add {role} --privs "{" ".join(names)}"'
            for role, names in privileges.roles(wanted, "9").items()
        ),
        "$ pveum user add labdb@pve",
        "$ pveum user token add labdb@pve provision --privsep 1",
        *(f"$ {grant.command(WHO)}" for grant in privileges.grants(wanted, "9")),
    ]
    rows = [(f"`{item.path}`", item.name, f"to {item.purpose}") for item in needed]
    return "\n".join(
        (
            NOTE,
            "# Privileges of the API token\n",
            "What the token needs for proj-pg01 on Proxmox VE 9, and nothing else. On version 8",
            "`VM.Monitor` stands in place of the two `VM.GuestAgent` privileges.\n",
            _table(("Path", "Privilege", "Needed"), rows),
            "As root on any node:\n",
            "```console",
            *lines,
            "```\n",
            "A token with `--privsep 1` has what both it and its user have: both get the rights.",
            "`Sys.Modify` is for the declared vzdump job only; leave `guest.backup` out of the",
            "declaration, and it is not needed. `labdb template build` needs more, see",
            "[Build a template](../how-to/build-a-template.md).\n",
        )
    )


def parameters_page() -> str:
    """Return the page of proj-pg01's parameters, each with its reason, and their budget."""
    tuning = tune(Inputs.of(_proj_pg01()))
    budget = [(line.name, human_size(line.size), line.formula) for line in tuning.budget.lines]
    budget.append(("together", human_size(tuning.budget.total), ""))
    roles = [
        (kind, f"`{setting.name}`", f"`{setting.value}`", setting.comment)
        for kind, settings in tuning.role_settings.items()
        for setting in settings
    ]
    limits = [
        (f"`{limit.role}`", limit.connections, limit.reason)
        for limit in connection_limits(_proj_pg01())
    ]
    rows = [
        (f"`{item.name}`", f"`{item.value}`", item.context, item.reason)
        for item in postgresql_parameters(_proj_pg01())
    ]
    return "\n".join(
        (
            NOTE,
            "# Parameters of proj-pg01\n",
            "What labdb computes for the declared 8 cores, 8 GB and NVMe disk, and why.",
            "*Context* is PostgreSQL's word for what a change takes: `postmaster` a restart, the",
            "others a reload.\n",
            _table(("Parameter", "Value", "Context", "Reason"), rows),
            "## Memory budget\n",
            "What the declared workload may use at the same time.\n",
            _table(("Part", "Size", "How"), budget),
            "## Settings of roles\n",
            "Set with `ALTER ROLE`, by the kind of the role.\n",
            _table(("Kind", "Parameter", "Value", "Reason"), roles),
            "## Connections of roles\n",
            "`CONNECTION LIMIT` of each declared role.\n",
            _table(("Role", "Connections", "Reason"), limits),
        )
    )


def exit_codes_page() -> str:
    """Return the page of exit codes, from the error classes."""
    rows: list[tuple[Any, ...]] = [
        (0, "", "Done; nothing needs attention."),
        (
            1,
            "",
            "Something needs attention: a finding, a difference, or a plan with changes.",
        ),
    ]
    classes = sorted(errors.LabdbError.__subclasses__(), key=lambda error: error.exit_code)
    rows += [
        (error.exit_code, f"`{error.code}`", (error.__doc__ or "").splitlines()[0])
        for error in classes
    ]
    rows.append((app.INTERRUPTED, "", "Interrupted (Ctrl-C, SIGTERM); the next run takes it up."))
    rows.append((70, f"`{errors.LabdbError.code}`", "A defect of labdb; please report it."))
    table = _table(("Exit code", "`error.code` in JSON", "Meaning"), rows)
    return f"{NOTE}\n# Exit codes\n\n{table}"


def data_models_page() -> str:
    """Return the page of the shipped data models: their tables, files and columns."""
    parts = [
        NOTE,
        "# Data models\n",
        "What `labdb catalogue load` knows. *Source* is the file's own column; a column without",
        "one is filled from the name of the file, or by labdb. The rules are those of",
        "`labdb catalogue check`, which also compares each file's rows with the ledger; those of",
        "the whole survey are asked with `--expect full`.\n",
    ]
    for name in models.names():
        model = models.load(name)
        parts.append(f"## {name}\n\n{model.description}. Version {model.version}.\n")
        for table in model.tables:
            hdus = f" HDU {', '.join(table.hdus)}." if table.hdus else ""
            key = f" Key: {', '.join(f'`{column}`' for column in table.key)}." if table.key else ""
            parts.append(f"### {name}: {table.name}\n\n{table.description}\n")
            parts.append(f"Files: `{table.files.pattern}`.{hdus}{key}\n")
            rows = [
                (
                    f"`{column.name}`",
                    column.sql_type,
                    column.unit,
                    column.ucd,
                    f"`{column.source.upper()}`" if column in table.from_source else "",
                    column.description,
                )
                for column in table.columns
            ]
            parts.append(_table(("Column", "Type", "Unit", "UCD", "Source", "Meaning"), rows))
            parts.append(_rules(table))
    return "\n".join(parts)


def queries_page() -> str:
    """Return the library of queries: what each answers, takes, needs and returns, and its SQL."""
    parts = [
        NOTE,
        "# Research queries\n",
        "What `labdb query` asks; [Ask a research question](../how-to/ask-a-research-question.md)",
        "shows how. Names in braces are tables, found by the ledger of loads; values are bound.\n",
    ]
    for name in query_library.names():
        query = query_library.load(name)
        about = query.about
        tables = ", ".join(f"`{table}`" for table in about.tables.values())
        needs = " It needs the extension `labdb`." if about.extensions else ""
        plot = " It has a plot." if about.plot else ""
        parts.append(f"## {name}\n\n{about.answers}\n\nTables: {tables}.{needs}{plot}\n")
        given = [
            (
                f"`{key}`",
                "required" if one.default is None else f"`{one.default}`",
                one.unit,
                f"{one.what} One of {', '.join(one.values)}." if one.values else one.what,
            )
            for key, one in about.parameters.items()
        ]
        parts.append(_table(("Parameter", "Default", "Unit", "Meaning"), given))
        columns = [(f"`{key}`", one.unit, one.what) for key, one in about.columns.items()]
        parts.append(_table(("Column", "Unit", "Meaning"), columns))
        parts.append(f"```sql\n{query.sql}\n```\n")
    return "\n".join(parts)


def _rules(table: Table) -> str:
    """Return the rules of a table: what each wants, of which rows, and how much it weighs."""
    rows = [
        (
            f"`{question.name}`",
            _asked_of(question),
            verdict.wanted(question),
            question.rule.severity,
            "whole survey" if question.rule.scale == "full" else "any part",
            question.rule.why,
        )
        for question in check.questions(check.rules(table))
    ]
    return _table(("Rule", "Of", "Wanted", "Severity", "Judged of", "Why"), rows)


def _asked_of(question: check.Question) -> str:
    rule = question.rule
    named = question.column or ", ".join(getattr(rule, "columns", ())) or rule.kind
    if isinstance(rule, Statistic):
        named = f"{rule.statistic} of {rule.of}" + (f" over {rule.over}" if rule.over else "")
    text = f"{named} where {rule.where}" if rule.where else named
    return f"`{text}`" + (f" by `{question.by}`" if question.by else "")


def runbook_page() -> str:
    """Return the runbook of the lab's server, as ``labdb runbook`` prints it."""
    declared = load(TOP / "inventories" / "lab", "proj-pg01")
    text = runbook(declared.server, declared.repository_hosts, "inventories/lab")
    return f"{NOTE}\n{text}"


def sky_functions_page() -> str:
    """Return the functions of the extension labdb: what each takes, returns and is for."""
    scripts = sorted((TOP / "roles" / "sky_functions" / "files").glob("*/*.sql"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in scripts)
    meanings = dict(COMMENT.findall(text))
    rows = [
        (f"`{name}({_arguments(arguments)})`", f"`{_type(returned) or 'record'}`", meanings[name])
        for name, arguments, returned in FUNCTION.findall(text)
    ]
    table = _table(("Function", "Returns", "What it is"), rows)
    return f"{NOTE}\n# Sky functions\n\n{SKY}\n{table}"


def _arguments(text: str) -> str:
    return ", ".join(_type(line.strip().replace('"', "")) for line in text.split(","))


def _type(text: str) -> str:
    words = " ".join(text.split()).replace("@extschema:cube@.", "")
    return words.replace("double precision", "float8")


def pages() -> dict[Path, str]:
    """Return every generated file with its text."""
    schema = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    return {
        REFERENCE / "commands.md": commands_page(),
        REFERENCE / "declaration.md": declaration_page(),
        REFERENCE / "declaration.schema.json": schema,
        REFERENCE / "role-variables.md": roles_page(),
        REFERENCE / "parameters.md": parameters_page(),
        REFERENCE / "data-models.md": data_models_page(),
        REFERENCE / "queries.md": queries_page(),
        REFERENCE / "exit-codes.md": exit_codes_page(),
        REFERENCE / "token-privileges.md": privileges_page(),
        REFERENCE / "sky-functions.md": sky_functions_page(),
        TOP / "docs" / "how-to" / "recover-from-a-disaster.md": runbook_page(),
    } | {role / "README.md": role_readme(role) for role in _roles()}


def stale() -> list[Path]:
    """Return the generated files whose text on disk is not what would be written."""
    return [
        path
        for path, text in pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` name the stale ones."""
    if "--check" in arguments:
        for path in (old := stale()):
            sys.stderr.write(f"stale: {path.relative_to(TOP)} (run python docs/generate.py)\n")
        return int(bool(old))
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
