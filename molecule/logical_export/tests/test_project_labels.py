"""Whoever reads metrics can tell a project by its database."""

import re

FILE = "/var/lib/prometheus/node-exporter/labdb-projects.prom"


def test_a_project_is_told_of_while_it_is_declared(host, play_again):
    done = play_again(play="project_labels.yml")
    assert done.returncode == 0, done.stdout
    said = host.file(FILE).content_string
    assert 'labdb_project_info{project="voids",datname="voids",profile="void-galaxies"} 1' in said
    assert host.file(FILE).mode == 0o644
    assert re.search(r"changed=0\b", play_again(play="project_labels.yml").stdout)
    checked = play_again("--check", play="project_labels.yml", project_labels_text="")
    assert re.search(r"changed=1\b", checked.stdout)
    assert host.file(FILE).exists
    assert play_again(play="project_labels.yml", project_labels_text="").returncode == 0
    assert not host.file(FILE).exists
