"""Where backups are kept off the host: on a declared repository host, or in an object store."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from labdb.spec.base import NAME, AbsolutePath, Declared
from labdb.spec.schedule import OffHostSchedule

HTTPS_PORT = 443
LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
HOST_NAME = re.compile(rf"({LABEL}\.)*{LABEL}")
BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
"""Source: Amazon S3 User Guide, "General purpose bucket naming rules". It allows dots too; no
certificate's wildcard covers such a host name, and pgBackRest before 2.58 refuses them."""


def _endpoint(text: str) -> str:
    if HOST_NAME.fullmatch(text):
        return text
    meant = urlsplit(text.lower() if "//" in text else f"//{text.lower()}").hostname or ""
    hint = f"; did you mean {meant}?" if HOST_NAME.fullmatch(meant) else ""
    raise ValueError(
        f"{text!r} is no host name; it is always https, and port and path are keys of their own"
        f"{hint}"
    )


def _bucket(text: str) -> str:
    if not BUCKET_NAME.fullmatch(text):
        raise ValueError(
            f"{text!r} is no name of a bucket: 3 to 63 of a-z, 0-9 and -, with a letter or a digit "
            "at both ends; dots are allowed elsewhere, and not here"
        )
    return text


class SftpRepository(Declared):
    """A repository on a declared repository host; what goes there is encrypted before it leaves."""

    kind: Literal["sftp"] = Field(description="How it is reached: by SFTP.")
    host: str = Field(pattern=NAME, description="Repository host of the same inventory.")
    schedule: OffHostSchedule = OffHostSchedule()
    retention_days: int = Field(default=30, ge=1, description="Days that full backups are kept.")

    @property
    def place(self) -> str:
        """Where it is; no two repositories of a server are in one place."""
        return self.host


class S3Repository(Declared):
    """A repository in a bucket that is there; what goes there is encrypted before it leaves.

    The bucket's key is a secret: it stands in the vault, not here.
    """

    kind: Literal["s3"] = Field(description="How it is reached: by the S3 protocol, over TLS.")
    endpoint: Annotated[str, AfterValidator(_endpoint)] = Field(
        description="Host name of the object store, for example s3.eu-central-1.amazonaws.com."
    )
    port: int = Field(default=HTTPS_PORT, ge=1, le=65535, description="TCP port.")
    bucket: Annotated[str, AfterValidator(_bucket)] = Field(description="Bucket; it must exist.")
    region: str = Field(pattern=r"^[a-z0-9-]+$", description="Region that requests are signed for.")
    path: AbsolutePath = Field(default="/pgbackrest", description="Folder in the bucket.")
    uri_style: Literal["host", "path"] = Field(
        default="host",
        description="Whether the bucket's name stands before the endpoint's or in the path.",
    )
    ca_file: str | None = Field(
        default=None,
        description="Certificate of a private CA that signed the endpoint's, relative to the "
        "inventory; the CAs that the guest trusts when absent.",
    )
    schedule: OffHostSchedule = OffHostSchedule()
    retention_days: int = Field(default=30, ge=1, description="Days that full backups are kept.")

    @property
    def store(self) -> str:
        """The bucket with its endpoint: what a key opens, and the key's name in the vault."""
        port = "" if self.port == HTTPS_PORT else f":{self.port}"
        return f"{self.endpoint}{port}/{self.bucket}"

    @property
    def place(self) -> str:
        """Where it is; no two repositories of a server are in one place."""
        return f"{self.store}{self.path}"


OffHostRepository = Annotated[SftpRepository | S3Repository, Field(discriminator="kind")]
