"""The volume is there, each server has a folder that is its own, and nothing else is open."""

from typing import Any

from labdb.adapters.inventory import RepositoryHostDeclaration
from labdb.domain.access import openings
from labdb.domain.repository_host import GROUP


def _accounts(declaration: RepositoryHostDeclaration) -> list[str]:
    return sorted(server.name for server in declaration.machine.access.servers)


def test_the_backup_volume_is_mounted(host: Any, declaration: RepositoryHostDeclaration) -> None:
    volume = declaration.machine.storage.backup
    assert host.check_output("findmnt -no FSTYPE %s", volume.mount) == volume.filesystem


def test_exactly_the_declared_servers_have_an_account(
    host: Any, declaration: RepositoryHostDeclaration
) -> None:
    members = host.check_output("getent group %s", GROUP).split(":")[3]
    assert sorted(filter(None, members.split(","))) == _accounts(declaration)


def test_each_account_is_locked_into_its_own_folder(
    host: Any, declaration: RepositoryHostDeclaration
) -> None:
    home = declaration.machine.storage.backup.mount
    for account in _accounts(declaration):
        asked = f"user={account},host=example,addr=192.0.2.1"
        lines = host.check_output("sshd -T -C %s", asked).splitlines()
        settings = dict(line.split(" ", 1) for line in lines if " " in line)
        assert settings["chrootdirectory"] == f"{home}/%u"
        assert settings["forcecommand"].startswith("internal-sftp")
        assert settings["authenticationmethods"] == "publickey"
        assert settings["disableforwarding"] == "yes"


def test_no_account_has_a_password_or_a_shell(
    host: Any, declaration: RepositoryHostDeclaration
) -> None:
    for account in _accounts(declaration):
        assert host.check_output("getent shadow %s", account).split(":")[1].startswith(("!", "*"))
        assert host.check_output("getent passwd %s", account).endswith("/nologin")


def test_no_account_can_read_what_another_one_stores(
    host: Any, declaration: RepositoryHostDeclaration
) -> None:
    home = declaration.machine.storage.backup.mount
    for account in _accounts(declaration):
        shown = host.check_output("stat -c '%%U %%a' %s", f"{home}/{account}/pgbackrest")
        assert shown == f"{account} 750"


def test_the_firewall_opens_exactly_what_is_declared(
    opened: set[tuple[str, int]], declaration: RepositoryHostDeclaration
) -> None:
    assert opened == {
        (source, opening.port)
        for opening in openings(declaration.machine)
        for source in opening.sources
    }


def test_the_exporter_answers(host: Any, declaration: RepositoryHostDeclaration) -> None:
    url = f"http://{declaration.machine.address}:9100/metrics"
    program = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=10).status)"
    assert host.check_output("python3 -c %s %s", program, url) == "200"
