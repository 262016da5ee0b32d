"""Passwords of database roles, set only where they differ; runs on the guest, alone.

The server gets a SCRAM-SHA-256 verifier, never the password: no log of the server, not even
one of all statements, can show it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import shutil
import subprocess

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: labdb_role_passwords
short_description: Passwords of database roles, set only where they differ
description:
  - Compares each password with the stored SCRAM-SHA-256 verifier and sends a new verifier for
    those that differ. The password itself never leaves this process.
options:
  passwords:
    description: Password of each role.
    type: dict
    required: true
  port:
    description: Port of the server, which names its socket.
    type: int
    default: 5432
  user:
    description: Operating-system user and database role.
    type: str
    default: postgres
"""

EXAMPLES = r"""
- name: Passwords
  labdb_role_passwords:
    passwords: {desi_dev: "{{ labdb_secrets.passwords.desi_dev }}"}
  no_log: true
"""

RETURN = r"""
roles:
  description: Names of the roles whose password was set, or would be.
  type: list
  elements: str
  returned: always
"""

ITERATIONS = 4096
SALT_BYTES = 16
VERIFIER = re.compile(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)")


def verifier(password: str, salt: bytes, iterations: int) -> str:
    """Return the verifier of *password* as pg_authid stores it (RFC 5802, section 3).

    >>> verifier("pencil", b"sixteen bytes ok", 4096)[:40]
    'SCRAM-SHA-256$4096:c2l4dGVlbiBieXRlcyBva'
    """
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{parts[0]}${parts[1]}:{parts[2]}"


def matches(password: str, stored: str) -> bool:
    """Tell whether *stored* is a verifier of *password*; anything but SCRAM is not."""
    found = VERIFIER.fullmatch(stored)
    if not found:
        return False
    again = verifier(password, base64.b64decode(found[2]), int(found[1]))
    return hmac.compare_digest(again, stored)


def psql(user: str, port: int, script: str) -> subprocess.CompletedProcess[str]:
    """Run *script*, which stands in no argument list."""
    return subprocess.run(
        [
            *("runuser", f"--user={user}", "--", "psql", "--no-psqlrc", "--quiet", "--no-align"),
            *("--tuples-only", "--field-separator= ", "--set=ON_ERROR_STOP=1"),
            *("--set=VERBOSITY=terse", f"--port={port}", "--dbname=postgres", "--file=-"),
        ],
        input=script,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )


def main() -> None:
    """Compare, and unless in check mode set."""
    module = AnsibleModule(
        argument_spec={
            "passwords": {"type": "dict", "required": True, "no_log": True},
            "port": {"type": "int", "default": 5432},
            "user": {"type": "str", "default": "postgres"},
        },
        supports_check_mode=True,
    )
    passwords: dict[str, str] = module.params["passwords"]
    user, port = module.params["user"], module.params["port"]
    # SASLprep leaves printable ASCII as it is; other text would need its tables.
    strange = [name for name, text in passwords.items() if not re.fullmatch(r"[ -~]+", str(text))]
    if strange:
        module.fail_json(msg=f"passwords of {', '.join(strange)}: printable ASCII only")
    if module.check_mode and not shutil.which("psql"):
        module.exit_json(changed=True, roles=sorted(passwords))
    asked = psql(user, port, "SELECT rolname, rolpassword FROM pg_authid WHERE rolcanlogin")
    if asked.returncode:
        if module.check_mode:
            module.exit_json(changed=True, roles=sorted(passwords))
        module.fail_json(msg=asked.stderr.strip())
    stored = dict(line.split(" ", 1) for line in asked.stdout.splitlines())
    different = sorted(
        name for name, text in passwords.items() if not matches(str(text), stored.get(name, ""))
    )
    if different and not module.check_mode:
        lines = (
            "ALTER ROLE \"{}\" PASSWORD '{}';".format(
                name.replace('"', '""'),
                verifier(str(passwords[name]), os.urandom(SALT_BYTES), ITERATIONS),
            )
            for name in different
        )
        done = psql(user, port, "\n".join(lines))
        if done.returncode:
            module.fail_json(msg=done.stderr.strip())
    module.exit_json(changed=bool(different), roles=different)


if __name__ == "__main__":
    main()
