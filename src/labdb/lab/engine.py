"""The Docker daemon of this machine."""

import docker
from docker.errors import DockerException

from labdb.errors import UnreachableError


def engine() -> docker.DockerClient:
    """Return a client of the local Docker daemon.

    Raises:
        UnreachableError: nothing answers at the daemon's socket, or it refuses us.
    """
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        raise UnreachableError(
            "the Docker daemon does not answer",
            why=str(error).splitlines()[0],
            hint="run make lab, which installs and starts Docker; or systemctl start docker",
        ) from error
    return client
