"""What all machines of an inventory share."""

from pydantic import Field

from labdb.spec.base import NAME, Declared


class ProxmoxApi(Declared):
    """How to reach the Proxmox VE API; the token's secret never stands here."""

    host: str = Field(description="Host name or address of a cluster node.")
    port: int = Field(default=8006, ge=1, le=65535, description="TCP port.")
    token_id: str = Field(
        pattern=r"^[^@!\s]+@[^@!\s]+![^@!\s]+$", description="API token, user@realm!name."
    )
    token_file: str | None = Field(
        default=None, description="File with the token's secret; else PROXMOX_TOKEN_SECRET."
    )
    ca_file: str | None = Field(
        default=None, description="CA that signed the API's certificate; else the system's."
    )


class Environment(Declared):
    """What all servers of an inventory share."""

    name: str = Field(pattern=NAME, description="Name of the environment.")
    proxmox: ProxmoxApi
    vault_key_file: str | None = Field(
        default=None, description="Vault key file; else LABDB_VAULT_KEY_FILE or LABDB_VAULT_KEY."
    )
    ssh_key_file: str | None = Field(
        default=None, description="Private key for the guests; else the SSH agent's."
    )
    probe_addresses: bool = Field(
        default=True, description="Ask the network whether a new guest's address is free."
    )
