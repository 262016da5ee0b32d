"""Who watches a machine."""

from ipaddress import IPv4Network

from pydantic import Field

from labdb.spec.base import AbsolutePath, Declared


class Monitoring(Declared):
    """Exporters, and the Prometheus host that reads them."""

    prometheus: str = Field(description="Host name of the Prometheus host, for example proj-mon01.")
    address: IPv4Network = Field(description="Its address; only it may reach the exporters.")
    group: str = Field(default="database", description="Value of the label group.")
    file_sd_directory: AbsolutePath = Field(
        default="/etc/prometheus/file_sd", description="Directory of file_sd snippets there."
    )
