import re
from contextlib import contextmanager

import pytest
import testinfra

FOLDER = "/var/lib/postgresql/.ssh"
KEY, KNOWN = f"{FOLDER}/labdb_repository", f"{FOLDER}/labdb_known_hosts"
BROUGHT = "/etc/ssh/labdb-repository/proj-pg01"


@pytest.fixture(scope="module")
def keeper():
    """The host that keeps the backups."""
    return testinfra.get_host("docker://labdb-molecule-pgbackrest_sftp-proj-bak01")


@pytest.fixture(scope="module")
def address(keeper):
    return keeper.check_output("hostname -i")


@contextmanager
def silent(keeper):
    """Nobody answers on the host."""
    keeper.check_output("systemctl stop ssh.socket ssh.service")
    yield
    keeper.check_output("systemctl start ssh.service")


@contextmanager
def never_reached(host):
    host.check_output(f"mv {KNOWN} {KNOWN}.away")
    yield
    host.check_output(f"mv {KNOWN}.away {KNOWN}")


def store(host, address):
    """Store a file as pgBackRest does: with this key, at a host whose key is known."""
    return host.run(
        f"echo 'put /etc/hostname /pgbackrest/it' | runuser -u postgres -- sftp -b- -i {KEY}"
        f" -oStrictHostKeyChecking=yes -oUserKnownHostsFile={KNOWN} -oIdentitiesOnly=yes"
        f" -oLogLevel=ERROR proj-pg01@{address}"
    )


def said(play):
    return " ".join(play.stdout.split())


def changed(play):
    """How many tasks changed something, on which host ever."""
    assert play.returncode == 0, play.stdout
    return sum(int(number) for number in re.findall(r"changed=(\d+)", play.stdout))


def private(host):
    """The lines of the private key that no public one has."""
    return host.file(KEY).content_string.splitlines()[3:-1]


def test_the_server_stores_there(host, keeper, address):
    stored = store(host, address)
    assert stored.rc == 0, stored.stderr
    kept = keeper.file("/mnt/backup/proj-pg01/pgbackrest/it").content_string
    assert kept == "proj-pg01\n"


def test_the_key_is_the_servers_and_never_leaves_it(host, keeper):
    key = host.file(KEY)
    assert (key.user, key.group, key.mode) == ("postgres", "postgres", 0o600)
    assert host.file(FOLDER).mode == 0o700
    assert keeper.file(BROUGHT).content_string == host.file(f"{KEY}.pub").content_string
    for line in private(host):
        found = keeper.run("grep -rlF -e %s /etc /home /mnt /root /tmp /var", line)
        assert found.stdout == ""


def test_the_hosts_own_keys_are_known_and_no_other(host, keeper, address):
    known = [line for line in host.file(KNOWN).content_string.splitlines() if line[0] != "#"]
    own = keeper.check_output("cat /etc/ssh/ssh_host_*_key.pub").splitlines()
    assert known == [f"{address} {line}" for line in own]
    # Who may write there could let the server trust anybody.
    assert (host.file(KNOWN).user, host.file(KNOWN).mode) == ("root", 0o640)


def test_a_dry_run_tells_what_it_would_do_and_does_nothing(host, play_again):
    assert changed(play_again("--check")) == 0
    with never_reached(host):
        assert changed(play_again("--check")) > 0
        assert not host.file(KNOWN).exists


def test_a_host_that_was_made_anew_is_brought_the_key_and_its_own_are_known(
    host, keeper, address, play_again
):
    key, known = private(host), host.file(KNOWN).content_string
    keeper.check_output(
        f"rm {BROUGHT} /etc/ssh/ssh_host_* && ssh-keygen -A && systemctl restart ssh.service"
    )
    host.check_output(f"chmod 0644 {KEY}")
    assert "Host key verification failed" in store(host, address).stderr
    again = play_again("-vvv")
    assert changed(again) > 0
    assert store(host, address).rc == 0
    assert private(host) == key
    assert host.file(KEY).mode == 0o600
    assert not set(known.splitlines()[1:-1]) & set(host.file(KNOWN).content_string.splitlines())
    # Not even to whoever runs it with every detail.
    assert not [line for line in key if line in again.stdout]


def test_another_host_at_the_address_is_refused_by_name(host, play_again):
    # The server itself: it answers there with keys of its own.
    wrong = host.check_output("hostname -i")
    play = play_again(pgbackrest_sftp_addresses={"proj-bak01": wrong})
    assert play.returncode != 0
    assert f"proj-bak01: {wrong} shows another host key than that host has" in said(play)
    assert "Host key verification failed" in store(host, wrong).stderr


def test_one_that_does_not_answer_and_was_never_reached_is_refused(host, keeper, play_again):
    with silent(keeper), never_reached(host):
        play = play_again()
        host.check_output(f"rm -f {KNOWN}")
    assert play.returncode != 0
    assert re.search(r"proj-bak01 does not answer \(.*Connection refused", said(play))
    assert "was never reached, so nothing can be stored there" in said(play)


def test_one_that_was_reached_and_does_not_answer_holds_nothing_up(host, keeper, play_again):
    known = host.file(KNOWN).content_string
    with silent(keeper):
        play = play_again()
    assert changed(play) == 0
    assert "proj-bak01 does not answer" in said(play)
    assert host.file(KNOWN).content_string == known


def test_one_that_nobody_declared_is_refused(play_again):
    play = play_again(pgbackrest_sftp_hosts=["proj-bak09"])
    assert play.returncode != 0
    assert "proj-bak09: the inventory declares no such repository host" in said(play)
