"""What the roles know that tell of projects, take one away, and bring one back."""

from typing import Any

from labdb.domain.machine_variables import prefixed
from labdb.domain.projects.limits import sessions_of
from labdb.domain.projects.metrics import metrics
from labdb.spec import Project, Server


def dropped_directory(server: Server) -> str:
    """Return the folder of the final exports of projects that were dropped."""
    return f"{server.storage.backup.mount}/dropped"


def project_variables(server: Server) -> dict[str, Any]:
    """Return the variables of roles ``project_labels``, ``project_drop``, ``project_restore``."""
    cluster = server.postgresql
    return (
        prefixed("project_labels", text=metrics(server))
        | prefixed(
            "project_drop",
            port=cluster.port,
            projects=[_project(project) for project in server.projects],
            directory=dropped_directory(server),
            scratch=f"{server.storage.data.mount}/dropped",
        )
        | prefixed(
            "project_restore",
            version=cluster.major,
            port=cluster.port,
            projects=[
                {"name": project.name, "database": project.database_name}
                for project in server.projects
            ],
            directory=dropped_directory(server),
        )
    )


def _project(project: Project) -> dict[str, Any]:
    people = [person.name for person in project.people]
    return {
        "name": project.name,
        "database": project.database_name,
        "connection_limit": sessions_of(project),
        "roles": [*people, project.owner, project.writer, project.reader],
        "declared": project.model_dump(mode="json", exclude_unset=True),
    }
