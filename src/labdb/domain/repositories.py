"""The declared repositories off the host, as the roles of pgBackRest take them."""

from typing import Any

from labdb.domain.repository_host import REPOSITORY
from labdb.spec import OffHostRepository, S3Repository, Server, SftpRepository

SFTP_KEY = "/var/lib/postgresql/.ssh/labdb_repository"
SFTP_KNOWN_HOSTS = "/var/lib/postgresql/.ssh/labdb_known_hosts"


def repositories(server: Server) -> list[dict[str, Any]]:
    """Return what the role ``pgbackrest`` is told of each repository; no secret is among it."""
    return [
        {
            "number": number,
            "retention_days": repository.retention_days,
            "schedule_full": repository.schedule.full,
            "schedule_differential": repository.schedule.differential,
            **_place(server, repository),
        }
        for number, repository in server.repositories.items()
    ]


def _place(server: Server, repository: OffHostRepository) -> dict[str, Any]:
    match repository:
        case SftpRepository():
            # A folder of the server's account there.
            return {
                "path": REPOSITORY,
                "sftp": {
                    "host": repository.host,
                    "user": server.name,
                    "key": SFTP_KEY,
                    "known_hosts": SFTP_KNOWN_HOSTS,
                },
            }
        case S3Repository():
            return {
                "path": repository.path,
                "s3": {
                    "store": repository.store,
                    "endpoint": repository.endpoint,
                    "port": repository.port,
                    "bucket": repository.bucket,
                    "region": repository.region,
                    "uri_style": repository.uri_style,
                    "ca_file": repository.ca_file or "",
                },
            }
