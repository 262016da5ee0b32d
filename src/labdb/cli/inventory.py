"""Commands on the declaration itself: a first inventory, the schema."""

import json
import sys
from pathlib import Path

import click


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.argument("server")
@click.option("--address", required=True, help="Address with prefix, for example 10.1.2.3/24.")
@click.option("--gateway", help="Default gateway; the network's first address when absent.")
@click.option("--node", required=True, help="Proxmox node of the guest.")
@click.option("--vmid", type=int, required=True, help="VMID of the guest.")
@click.option("--storage", required=True, help="Proxmox storage of its disks.")
@click.option("--bridge", default="vmbr0", show_default=True, help="Bridge of its network card.")
@click.option("--vlan", type=int, help="802.1Q tag.")
@click.option("--domain", default="example.org", show_default=True, help="DNS domain.")
@click.option("--nameserver", multiple=True, help="DNS server; the gateway when absent.")
@click.option("--api-host", required=True, help="Host of the Proxmox VE API.")
def init(directory: Path, server: str, **given: object) -> int:
    """Write a first inventory for another lab; existing files are never overwritten.

    \b
    Examples:
      labdb init inventories/mylab db1 --address 10.1.2.3/24 --node pve1 --vmid 120 \\
        --storage local-lvm --api-host pve1.example.org
    """
    from labdb.operations.init import scaffold  # noqa: PLC0415 - keeps --help fast

    for path in scaffold(directory, server, given):
        sys.stdout.write(f"wrote {path}\n")
    return 0


@click.command()
@click.option(
    "--kind",
    type=click.Choice(["server", "repository-host"]),
    default="server",
    show_default=True,
    help="What is declared.",
)
def schema(kind: str) -> int:
    """Print the JSON Schema of a declared server, or of a declared repository host.

    \b
    Examples:
      labdb schema > declaration.schema.json
      labdb schema --kind repository-host > repository-host.schema.json
    """
    from labdb.domain.schema import json_schema  # noqa: PLC0415 - keeps --help fast

    name = f"labdb_{kind.replace('-', '_')}"
    sys.stdout.write(json.dumps(json_schema(name), indent=2, ensure_ascii=False) + "\n")
    return 0
