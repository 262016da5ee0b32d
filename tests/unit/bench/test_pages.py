"""Pages of figures say what was measured, and nothing that somebody wrote into them."""

import json
from pathlib import Path
from types import ModuleType

import pytest
from bench.catalogue import report as loading
from bench.sky import report as sky
from bench.survey import report as survey


@pytest.mark.parametrize("report", [survey, sky, loading], ids=["survey", "sky", "loading"])
def test_the_figures_of_a_page_are_those_of_its_result(report: ModuleType) -> None:
    result = Path(report.__file__ or "").with_name("result.json").read_text(encoding="utf-8")
    assert report.page(json.loads(result)) in report.PAGE.read_text(encoding="utf-8")
