"""The role restores what the command line plans, and refuses it in the same words."""

import json
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from labdb.plugins.filter.labdb_restore import FilterModule, labdb_restore_plan

GB = 1 << 30
INFO = json.dumps(
    [
        {
            "backup": [
                {
                    "label": "20261101-020000F",
                    "type": "full",
                    "error": False,
                    "archive": {
                        "start": f"{1:08X}{0:08X}{2:08X}",
                        "stop": f"{1:08X}{0:08X}{3:08X}",
                    },
                    "lsn": {"start": "0/2000028", "stop": "0/2000138"},
                    "timestamp": {"start": 1793498340, "stop": 1793498400},
                    "info": {"size": GB},
                    "database": {"id": 1, "repo-key": 1},
                }
            ],
            "archive": [
                {
                    "database": {"id": 1, "repo-key": 1},
                    "min": f"{1:08X}{0:08X}{1:08X}",
                    "max": f"{1:08X}{0:08X}{9:08X}",
                }
            ],
            "db": [{"id": 1, "repo-key": 1}],
        }
    ]
)
ASKED: dict[str, Any] = {
    "type": "time",
    "target": "2026-11-20 08:12:57+01:00",
    "exclusive": False,
    "label": "",
    "repository": 0,
    "now": "1795604400",
    "space": f"      Avail    1B-blocks\n{100 * GB} {250 * GB}",
    "recorded": "",
}


def test_set_options_wal_and_bytes_are_told() -> None:
    assert labdb_restore_plan(INFO, **ASKED) == {
        "set": "20261101-020000F",
        "repository": 1,
        "options": ["--type=time", "--target=2026-11-20 07:12:57+00", "--target-action=promote"],
        "wal": ["000000010000000000000002", "000000010000000000000009"],
        "needed": 3 * GB,
    }


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"target": "2001-01-01 00:00Z"}, "before the oldest"),
        ({"target": "2026-11-20 08:12:57"}, "has no zone"),
        ({"target": "2036-11-20 08:12:57Z"}, "in the future"),
        ({"label": "20010101-000000F"}, "no backup set 20010101-000000F"),
        ({"repository": 2}, "repository 2"),
        ({"recorded": "00000001-0000000003000060-20261126T000000Z.json"}, "may have come twice"),
        ({"space": f"Avail 1B-blocks\n{GB} {250 * GB}"}, "too little space"),
    ],
)
def test_a_refusal_is_a_clean_error(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        labdb_restore_plan(INFO, **(ASKED | asked))


def test_the_filter_is_registered_by_its_name() -> None:
    assert FilterModule().filters() == {"labdb_restore_plan": labdb_restore_plan}
