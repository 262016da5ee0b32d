import pytest

LISTEN = "import socket, time; s = socket.create_server(('', {port})); time.sleep(120)"
CONNECT = "import socket; socket.create_connection(('198.18.20.8', {port}), 1)"


@pytest.fixture(scope="module")
def clients(host):
    """A network of clients inside the guest: nothing leaves it."""
    host.check_output(
        "ip netns add clients && ip link add inside type veth peer name outside netns clients"
        " && ip address add 198.18.20.8/24 dev inside && ip link set inside up"
        " && ip -n clients link set outside up && ip -n clients link set lo up"
        " && ip -n clients address add 198.18.20.9/24 dev outside"
        " && ip -n clients address add 198.18.30.9/24 dev outside"
        " && ip route add 198.18.30.0/24 dev inside"
    )
    for port in (5432, 8080):
        listener = f'python3 -c "{LISTEN.format(port=port)}"'
        host.check_output(f"setsid {listener} > /dev/null 2>&1 < /dev/null & sleep 0.3")
    yield
    host.run("ip netns delete clients")


def connects(host, port, *, source):
    script = CONNECT.format(port=port).replace("1)", f"1, ('{source}', 0))")
    return host.run("ip netns exec clients python3 -c %s", script).rc == 0


@pytest.mark.usefixtures("clients")
def test_a_client_of_the_table_reaches_postgresql(host):
    assert connects(host, 5432, source="198.18.20.9")


@pytest.mark.usefixtures("clients")
def test_a_foreign_subnet_does_not_reach_postgresql(host):
    assert not connects(host, 5432, source="198.18.30.9")


@pytest.mark.usefixtures("clients")
def test_an_operator_reaches_ssh(host):
    assert connects(host, 22, source="198.18.20.9")


@pytest.mark.usefixtures("clients")
def test_a_port_outside_the_table_is_closed_to_everybody(host):
    assert not connects(host, 8080, source="198.18.20.9")


@pytest.mark.usefixtures("clients")
def test_an_echo_request_is_answered(host):
    ping = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); s.settimeout(1)"
    packet = r"s.sendto(bytes([8, 0, 0xf7, 0xfe, 0, 1, 0, 0]), ('198.18.20.8', 0)); s.recv(99)"
    assert host.run("ip netns exec clients python3 -c %s", f"{ping}; {packet}").rc == 0


def test_the_filter_is_loaded_at_every_boot(host):
    assert host.service("labdb-firewall.service").is_enabled


def test_the_tables_of_others_survive_a_reload(host):
    host.check_output("nft add table inet somebody_else")
    host.check_output("systemctl reload labdb-firewall.service")
    assert "inet somebody_else" in host.check_output("nft list tables")


def test_a_broken_file_leaves_the_filter_as_it_is(host):
    assert host.run("echo 'table inet labdb { nonsense' | nft --file -").rc != 0
    assert "policy drop" in host.check_output("nft list table inet labdb")


def test_rules_that_would_end_our_own_session_are_refused(host, play_again):
    before = host.check_output("nft list table inet labdb")
    rules = [{"port": 22, "sources": ["198.18.99.0/24"], "comment": "somebody else"}]
    refused = play_again(host_firewall_rules=rules)
    assert refused.returncode != 0
    assert "this session comes from 198.18.10.5 to port 22" in refused.stdout
    assert host.check_output("nft list table inet labdb") == before


def test_a_filter_that_somebody_flushed_comes_back(host, play_again):
    host.check_output("nft delete table inet labdb")
    again = play_again()
    assert again.returncode == 0, again.stdout
    assert "policy drop" in host.check_output("nft list table inet labdb")


def test_switched_off_it_leaves_nothing_behind(host, play_again):
    again = play_again(host_firewall_enabled=False)
    assert again.returncode == 0, again.stdout
    assert "inet labdb" not in host.check_output("nft list tables")
    assert not host.service("labdb-firewall.service").is_enabled
