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


def test_the_clock_follows_the_declared_servers_and_no_others(host, play_again):
    again = play_again(operating_system_ntp_servers=["198.18.10.2"])
    assert again.returncode == 0, again.stdout
    sources = host.check_output("grep -hE '^(server|pool|peer|sourcedir)' /etc/chrony/chrony.conf")
    assert sources == "server 198.18.10.2 iburst"
    assert host.run("chronyd -p -f /etc/chrony/chrony.conf").rc == 0


def test_postgres_may_open_the_declared_number_of_files(host):
    assert host.file("/etc/security/limits.d/60-labdb.conf").contains("^postgres hard nofile")


def test_the_clock_shows_universal_time(host):
    assert host.check_output("date +%Z") == "UTC"


def test_a_parameter_that_may_be_set_is_set_now(host, play_again):
    # This one belongs to the guest's own network name space; nothing of the host is touched.
    parameter = "net.ipv4.tcp_keepalive_time"
    host.check_output("mount -o remount,bind,rw /proc/sys")
    try:
        again = play_again(operating_system_sysctl={parameter: 123})
        assert again.returncode == 0, again.stdout
        assert host.check_output("sysctl --values %s", parameter) == "123"
        second = play_again(operating_system_sysctl={parameter: 123})
        assert "changed=0" in second.stdout
        host.check_output("sysctl --write %s=77", parameter)
        third = play_again(operating_system_sysctl={parameter: 123})
        assert third.returncode == 0, third.stdout
        assert host.check_output("sysctl --values %s", parameter) == "123"
    finally:
        host.check_output("mount -o remount,bind,ro /proc/sys")


def test_a_parameter_that_may_not_be_set_is_named_and_not_called_done(play_again):
    again = play_again(operating_system_sysctl={"vm.swappiness": 2})
    assert again.returncode == 0, again.stdout
    skipped = again.stdout.split("TASK [operating_system : Skipped")[1].split("TASK")[0]
    assert "vm.swappiness" in skipped
