"""Run in a database the statements that a query finds missing; runs on the guest, alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: labdb_sql_plan
short_description: Run the statements that a query finds missing
description:
  - Runs queries that compare a declaration with the catalogue and return the statements that
    make them equal, one in each row; runs the statements of one query, in that order, before it
    asks the next.
  - A query reads the declaration as C(current_setting('labdb.declaration')::jsonb).
  - In check mode nothing is run, and the statements are reported.
options:
  plans:
    description: The queries, in their order.
    type: list
    elements: dict
    required: true
    suboptions:
      query:
        description: The query.
        type: str
        required: true
      databases:
        description: Databases in which it is asked and its statements are run, one by one.
        type: list
        elements: str
        default: [postgres]
  declaration:
    description: What is wanted; no secrets.
    type: dict
    required: true
  port:
    description: Port of the server, which names its socket.
    type: int
    default: 5432
  user:
    description: Operating-system user and database role.
    type: str
    default: postgres
"""

EXAMPLES = r"""
- name: Database roles
  labdb_sql_plan:
    plans:
      - query: "{{ lookup('ansible.builtin.file', 'roles.sql') }}"
    declaration: {roles: [{name: desi_dev}]}
"""

RETURN = r"""
statements:
  description: What was run, or would be, by database.
  type: dict
  returned: always
"""


# What is set for the sessions of a database is not meant for this one.
OWN_SETTINGS = "-c default_transaction_read_only=off -c search_path=public -c statement_timeout=0"


class SqlError(Exception):
    """What psql said, and about which statements."""


def psql(user: str, port: int, database: str, script: str) -> str:
    """Return what *script* prints, rows parted by NUL.

    Raises:
        SqlError: the server refused a statement, or cannot be reached.
    """
    done = subprocess.run(
        [
            *("runuser", f"--user={user}", "--", "psql", "--no-psqlrc", "--quiet"),
            *("--no-align", "--tuples-only", "--record-separator-zero"),
            *("--set=ON_ERROR_STOP=1", f"--port={port}", f"--dbname={database}", "--file=-"),
        ],
        input=script,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={**os.environ, "PGOPTIONS": OWN_SETTINGS},
    )
    if done.returncode:
        raise SqlError(f"database {database}: {done.stderr.strip()}")
    return done.stdout


def missing(user: str, port: int, database: str, query: str, declaration: str) -> list[str]:
    """Return the statements that *query* finds missing in *database*."""
    quoted = declaration.replace("'", "''")
    # NUL ends a record; psql prints a line end after the last one.
    rows = psql(user, port, database, f"SET labdb.declaration = '{quoted}';\n{query}")
    return [row.strip() for row in rows.split("\0") if row.strip()]


def main() -> None:
    """Ask, and unless in check mode run."""
    module = AnsibleModule(
        argument_spec={
            "plans": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "query": {"type": "str", "required": True},
                    "databases": {"type": "list", "elements": "str", "default": ["postgres"]},
                },
            },
            "declaration": {"type": "dict", "required": True},
            "port": {"type": "int", "default": 5432},
            "user": {"type": "str", "default": "postgres"},
        },
        supports_check_mode=True,
    )
    given: dict[str, Any] = module.params
    if module.check_mode and not shutil.which("psql"):
        module.exit_json(changed=True, statements={}, msg="there is no PostgreSQL yet")
    declaration = json.dumps(given["declaration"])
    found: dict[str, list[str]] = {}
    steps = [(plan["query"], name) for plan in given["plans"] for name in plan["databases"]]
    for query, database in steps:
        where = (given["user"], given["port"], database)
        try:
            statements = missing(*where, query, declaration)
            if statements and not module.check_mode:
                psql(*where, "".join(f"{statement};\n" for statement in statements))
        except SqlError as error:
            if module.check_mode:
                # The server, or this database, comes into being in the run that is checked.
                module.exit_json(changed=True, statements=found, msg=str(error))
            module.fail_json(msg=str(error), statements=found)
        if statements:
            found.setdefault(database, []).extend(statements)
    after = "".join(
        f"-- {database}\n" + "".join(f"{statement};\n" for statement in statements)
        for database, statements in found.items()
    )
    module.exit_json(changed=bool(found), statements=found, diff={"before": "", "after": after})


if __name__ == "__main__":
    main()
