"""Tab completion for the operator's shell."""

import sys

import click
from click.shell_completion import get_completion_class

from labdb.errors import UsageError


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script of a shell.

    \b
    Examples:
      labdb completion bash > ~/.local/share/bash-completion/completions/labdb
    """
    from labdb.cli.app import cli  # noqa: PLC0415 - app imports this module

    found = get_completion_class(shell)
    if found is None:
        raise UsageError(f"no completion for {shell}", hint="one of bash, zsh, fish")
    sys.stdout.write(found(cli, {}, "labdb", "_LABDB_COMPLETE").source() + "\n")
    return 0
