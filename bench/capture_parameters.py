"""Write the parameter catalogue from a running server's own ``pg_settings``.

python bench/capture_parameters.py "host=/run/postgresql user=postgres" \
    > src/labdb/domain/parameters-16.yaml
"""

import sys

import psycopg
import yaml

QUERY = """
SELECT name, vartype, context, unit, min_val, max_val, enumvals, boot_val
  FROM pg_settings
 WHERE context <> 'internal' AND (name !~ '[.]' OR name ~ '^pg_stat_statements[.]')
 ORDER BY name
"""


class Indented(yaml.SafeDumper):
    """Lists indented below their key, as yamllint wants them."""

    def increase_indent(self, flow: bool = False, *_: bool, **__: bool) -> None:
        """Indent lists like mappings, whatever is asked for."""
        super().increase_indent(flow, False)


def capture(conninfo: str) -> dict[str, dict[str, object]]:
    """Return name -> properties of every parameter that can be set, nulls left out."""
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute(QUERY).fetchall()
    keys = ("type", "context", "unit", "min", "max", "values", "default")
    return {
        str(row[0]): {
            key: value for key, value in zip(keys, row[1:], strict=True) if value is not None
        }
        for row in rows
    }


if __name__ == "__main__":
    yaml.dump(
        capture(sys.argv[1]),
        sys.stdout,
        Dumper=Indented,
        sort_keys=True,
        width=110,
        default_flow_style=False,
        explicit_start=True,
    )
