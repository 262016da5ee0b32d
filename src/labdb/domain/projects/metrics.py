"""Which projects there are, as node_exporter reads it: to join with metrics by database."""

from labdb.domain.recovery.exposition import Gauge, exposition
from labdb.spec import Server

ABOUT = "A declared project; datname is its database."


def metrics(server: Server) -> str:
    """Return a metric for each project, with its labels; nothing where there are no projects."""
    if not server.projects:
        return ""
    return exposition(
        [
            Gauge(
                "labdb_project_info",
                ABOUT,
                dict(project.labels)
                | {
                    "project": project.name,
                    "datname": project.database_name,
                    "profile": project.profile or "",
                },
                1,
            )
            for project in server.projects
        ]
    )
