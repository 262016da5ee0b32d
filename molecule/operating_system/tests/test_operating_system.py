def test_unattended_upgrades_hold_postgresql_back(host):
    settings = host.check_output("apt-config dump Unattended-Upgrade::Package-Blacklist")
    assert '"postgresql"' in settings
    assert '"pgbackrest"' in settings


def test_unattended_upgrades_take_security_updates_and_nothing_else(host):
    lines = host.check_output("apt-config dump Unattended-Upgrade::Origins-Pattern").splitlines()
    origins = [line for line in lines if line.startswith("Unattended-Upgrade::Origins-Pattern::")]
    assert len(origins) == 1
    assert "-security" in origins[0]


def test_unattended_upgrades_run_daily(host):
    assert '"1"' in host.check_output("apt-config dump APT::Periodic::Unattended-Upgrade")
    assert host.service("apt-daily-upgrade.timer").is_enabled


def test_needrestart_leaves_postgresql_alone(host):
    rule = "do '/etc/needrestart/conf.d/labdb.conf' or die; our %nrconf;"
    asked = "print((grep { 'postgresql@16-main.service' =~ $_ } keys %{$nrconf{override_rc}})[0])"
    script = f"our %nrconf; {rule} {asked}"
    assert "postgresql" in host.check_output("perl -e %s", script)


def test_every_boot_sets_the_declared_kernel_parameters(host):
    assert host.file("/etc/sysctl.d/60-labdb.conf").contains("^vm.swappiness = ")


def test_a_forbidden_setting_does_not_break_the_next_boot(host):
    done = host.run("systemd-tmpfiles --create /etc/tmpfiles.d/labdb-transparent-hugepages.conf")
    assert done.rc == 0


def test_the_clock_follows_the_declared_servers(host):
    sources = host.check_output("grep -h ^server /etc/chrony/chrony.conf")
    assert sources.startswith("server 198.18.")
    assert "debian.pool" not in host.check_output("cat /etc/chrony/chrony.conf")
    assert host.run("chronyd -p -f /etc/chrony/chrony.conf").rc == 0


def test_postgres_may_open_the_declared_number_of_files(host):
    assert host.file("/etc/security/limits.d/60-labdb.conf").contains("^postgres hard nofile")


def test_the_clock_shows_universal_time(host):
    assert host.check_output("date +%Z") == "UTC"
