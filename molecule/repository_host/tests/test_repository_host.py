import pytest

HOME = "/mnt/backup"
KEYS = "/etc/ssh/labdb-repository"
ACCOUNTS = ("proj-pg01", "proj-pg02")
SSH = "-oBatchMode=yes -oStrictHostKeyChecking=accept-new -oLogLevel=ERROR -oIdentitiesOnly=yes"


@pytest.fixture(scope="module", autouse=True)
def keys(host):
    """Each server's key, brought as the role pgbackrest_sftp brings it."""
    for account in ACCOUNTS:
        host.check_output(
            f"rm -f /root/{account}* && ssh-keygen -q -t ed25519 -N '' -f /root/{account}"
            f" && install -m 0644 /root/{account}.pub {KEYS}/{account}"
        )


def sftp(host, account, *lines, key=None):
    batch = "\\n".join(lines)
    return host.run(
        f"printf '{batch}\\n' | sftp -b- {SSH} -i /root/{key or account} {account}@127.0.0.1"
    )


@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_server_stores_in_its_own_folder_and_sees_no_other(host, account):
    stored = sftp(host, account, "put /etc/hostname /pgbackrest/it", "ls -1 /")
    assert stored.rc == 0, stored.stderr
    listed = [line for line in stored.stdout.splitlines() if not line.startswith("sftp>")]
    assert listed == ["/pgbackrest"]
    kept = host.file(f"{HOME}/{account}/pgbackrest/it")
    assert (kept.user, kept.mode) == (account, 0o640)


def test_nothing_beside_its_folders_can_be_written(host):
    assert sftp(host, "proj-pg01", "put /etc/hostname /it").rc != 0
    assert sftp(host, "proj-pg01", "mkdir /elsewhere").rc != 0


def test_the_key_of_one_server_opens_no_other_account(host):
    refused = sftp(host, "proj-pg02", "ls /", key="proj-pg01")
    assert refused.rc != 0
    assert "Permission denied" in refused.stderr


def test_there_is_no_shell_and_nothing_is_forwarded(host):
    shell = host.run(f"ssh {SSH} -i /root/proj-pg01 proj-pg01@127.0.0.1 id")
    assert "uid=" not in shell.stdout
    assert shell.rc != 0
    forwarded = host.run(
        f"timeout 5 ssh {SSH} -oExitOnForwardFailure=yes -N -R 7777:127.0.0.1:22"
        " -i /root/proj-pg01 proj-pg01@127.0.0.1"
    )
    assert forwarded.rc != 0
    assert "7777" not in host.check_output("ss --no-header --listening --numeric --tcp")


def test_a_password_opens_nothing(host):
    asked = host.run(
        "ssh -oBatchMode=yes -oStrictHostKeyChecking=accept-new -oPubkeyAuthentication=no"
        " -oPreferredAuthentications=password proj-pg01@127.0.0.1"
    )
    assert "(publickey)" in asked.stderr


def test_operators_come_in_as_before(host):
    for name, value in (("forcecommand", "none"), ("chrootdirectory", "none")):
        shown = host.check_output("sshd -T -C user=labdb,host=example,addr=192.0.2.1")
        assert f"{name} {value}" in shown


def test_a_server_that_is_no_longer_declared_is_shut_out_and_keeps_its_folder(host, play_again):
    again = play_again(repository_host_servers=["proj-pg01"])
    assert again.returncode == 0, again.stdout
    assert sftp(host, "proj-pg01", "ls /").rc == 0
    assert sftp(host, "proj-pg02", "ls /").rc != 0
    assert host.file(f"{HOME}/proj-pg02/pgbackrest/it").exists
    assert not host.file(f"{KEYS}/proj-pg02").exists
    assert play_again().returncode == 0
