"""What a data model may say of vectors, and what fills them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from labdb.adapters.catalogue import models
from labdb.domain.catalogue.estimate import estimate
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.mapping import SourceColumn, fit
from labdb.domain.catalogue.table import Model, join
from labdb.spec.data_model import SchemaModel
from labdb.spec.data_source import ModelSource


def _yaml(name: str) -> Any:
    return yaml.safe_load(Path(models.SHIPPED / name).read_text(encoding="utf-8"))


def _model(
    *, dimensions: str = "128", datatype: str = "float", nearest: str = "embedding"
) -> Model:
    schema, sources = _yaml("embeddings.yaml"), _yaml("embeddings.labdb.yaml")
    column = next(one for one in schema["tables"][0]["columns"] if one["name"] == "embedding")
    column |= {"votable:arraysize": dimensions, "datatype": datatype}
    sources["tables"]["quasars"]["nearest"] = {nearest: {"distance": "cosine"}} if nearest else {}
    return join(SchemaModel.model_validate(schema), ModelSource.model_validate(sources))


def test_a_vector_has_its_dimensions_in_its_type() -> None:
    assert _model().tables[0].column("embedding").sql_type == "vector(128)"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"dimensions": "2001"}, "has 2,001 dimensions, pgvector indexes up to 2,000"),
        ({"dimensions": "16001", "nearest": ""}, "pgvector stores up to 16,000"),
        ({"datatype": "double"}, "a vector is a float with votable:arraysize"),
        ({"nearest": "anomaly_score"}, "has an HNSW index and is no vector"),
        ({"nearest": "colour"}, "has no column colour"),
    ],
)
def test_what_pgvector_cannot_do_is_no_model(given: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        _model(**given)


def test_2000_dimensions_are_indexed_and_more_are_stored() -> None:
    assert _model(dimensions="2000").tables[0].nearest
    assert not _model(dimensions="2001", nearest="").tables[0].nearest


def test_arrays_of_different_lengths_fill_vectors_and_nothing_else() -> None:
    table = models.load("zcatalog").tables[0]
    columns = [
        SourceColumn(one.source, "x", one.kind, one.length, varies=one.name == "coeff")
        for one in table.from_source
    ]
    _, wrong = fit(table, columns)
    assert [str(one) for one in wrong] == [
        "coeff: 'coeff' cannot be loaded: its rows have arrays of different lengths"
    ]
    vectors = _model().tables[0]
    given = [
        SourceColumn(one.source, "x", one.kind, varies=one.is_vector) for one in vectors.from_source
    ]
    assert fit(vectors, given)[1] == []
    assert vectors.column("embedding").kind is Kind.FLOAT


def test_an_index_of_vectors_takes_most_of_the_time_and_half_of_the_room() -> None:
    with_index, without = _model().tables[0], _model(nearest="").tables[0]
    assert estimate(with_index, 1000).seconds > 3 * estimate(without, 1000).seconds
    assert 1.5 < estimate(with_index, 1000).size / estimate(without, 1000).size < 3
