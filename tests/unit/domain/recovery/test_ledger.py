"""A ledger survives whatever cut off its last line."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.recovery.ledger import lines
from labdb.drill.ledger import keep

LINES = st.lists(st.fixed_dictionaries({"verdict": st.sampled_from(["passed", "failed"])}))


@given(LINES, st.integers(0, 200))
def test_every_whole_line_is_read_wherever_the_text_was_cut(
    told: list[dict[str, str]], at: int
) -> None:
    text = "".join(json.dumps(line) + "\n" for line in told)
    whole = text[:at].count("}")
    assert lines(text[:at]) == told[:whole]


def test_a_line_after_one_that_was_cut_off_counts(tmp_path: Path) -> None:
    ledger, figures = tmp_path / "drills.jsonl", tmp_path / "drill.prom"
    ledger.write_text('{"verdict": "passed"}\n{"verd', encoding="utf-8")
    keep(ledger, {"verdict": "failed"}, figures, lambda known: str(len(known)))
    assert [line["verdict"] for line in lines(ledger.read_text("utf-8"))] == ["passed", "failed"]
    assert figures.read_text("utf-8") == "2"
