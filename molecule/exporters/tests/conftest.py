"""What the exporters' tests share: the metrics of the one that a module is about, by its PORT."""

import time

import pytest


@pytest.fixture
def metrics(host, request):
    """Ask the exporter on PORT, at the declared address."""

    def ask():
        address = host.check_output("hostname -i")
        return host.check_output(
            f"curl --silent --fail http://{address}:{request.module.PORT}/metrics"
        )

    return ask


@pytest.fixture
def comes(metrics):
    """Tell whether *line* comes: the first scrape after a restart may use a dead connection."""

    def wait(line):
        for _ in range(10):
            if f"\n{line}\n" in metrics():
                return True
            time.sleep(0.5)
        return False

    return wait
