"""Parameters that follow from what the server is, not from tuning: address, TLS, archive."""

from labdb.domain.tuning.setting import Setting
from labdb.spec import Server


def server_settings(server: Server) -> tuple[Setting, ...]:
    """Return the parameters of address, authentication, TLS, time zone and archiving."""
    tls = f"/etc/postgresql/{server.postgresql.major}/{server.postgresql.cluster}/tls"
    zone = server.postgresql.timezone
    return (
        Setting("listen_addresses", f"localhost,{server.address}",
                "the declared address and loopback, never every interface"),
        Setting("port", str(server.postgresql.port), "declared"),
        Setting("password_encryption", "scram-sha-256",
                "the only method that pg_hba.conf accepts"),
        Setting("ssl", "on", "every network connection is encrypted"),
        Setting("ssl_cert_file", f"{tls}/server.crt", "written by role postgresql_tls"),
        Setting("ssl_key_file", f"{tls}/server.key", "made on this host, never leaves it"),
        Setting("ssl_min_protocol_version", "TLSv1.2", "older protocols are broken"),
        Setting("TimeZone", zone, "declared; UTC is astronomy's convention"),
        Setting("log_timezone", zone, "the same as the sessions"),
        Setting("archive_mode", "on", "point-in-time recovery"),
        Setting("archive_command", f"pgbackrest --stanza={server.stanza} archive-push %p",
                "asynchronous, into the encrypted repository"),
        Setting("archive_timeout", f"{server.backup.archive_timeout_seconds}s",
                "an idle server loses no more than this"),
    )  # fmt: skip
