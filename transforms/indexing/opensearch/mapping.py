"""The mapping of an index, made from the document's fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.search import FIELDS, Field, Kind
from schemas.work import hash_of
from transforms.indexing.layout import ColumnType, Layout, plain_name

# Longer words are stored, not searched: Lucene takes no term above 32,766 bytes.
_LONGEST_WORD = 8_000
# A deleted document's version is kept so long: an older load that is still at work does not bring it back.
_DELETES_KEPT = "6h"
# Of the manifest, above the document's own.
_MOST_FIELDS = 1_000

_WORD = {"type": "keyword", "ignore_above": _LONGEST_WORD}
_SIMPLE: Mapping[Kind, Mapping[str, Any]] = {
    Kind.WORD: _WORD,
    Kind.WORDS: _WORD,
    Kind.NUMBER: {"type": "float"},
    Kind.POINT: {"type": "geo_point"},
    Kind.SCORES: {"type": "rank_features"},
}
_COLUMNS: Mapping[ColumnType, Mapping[str, Any]] = {
    ColumnType.TEXT: {"type": "text", "fields": {"word": _WORD}},
    ColumnType.WHOLE: {"type": "long"},
    ColumnType.NUMBER: {"type": "double"},
    ColumnType.FLAG: {"type": "boolean"},
    ColumnType.TIME: {"type": "date"},
}


def index_body(layout: Layout, *, nearest: bool) -> dict[str, Any]:
    """Settings and mapping of an index; `nearest`: the k-NN plugin is there and searches by the vector.

    Without it the vector is stored and comes with hits, but there is nothing to search it by.
    """
    properties = {field.name: _property(field, layout, nearest=nearest) for field in FIELDS}
    settings = {
        "index.gc_deletes": _DELETES_KEPT,
        "index.mapping.total_fields.limit": _MOST_FIELDS + 2 * len(layout.columns) + len(layout.pairs),
    }
    if nearest and layout.tags:
        settings["index.knn"] = True
    mapping = {"dynamic": "strict", "properties": {name: one for name, one in properties.items() if one}}
    return {"settings": settings, "mappings": mapping}


def mapping_hash(layout: Layout) -> str:
    """Equal for catalogues whose documents can lie in one index: tags in their order, pairs, columns."""
    return hash_of({"tags": layout.tags, **index_body(layout, nearest=True)})


def _property(field: Field, layout: Layout, *, nearest: bool) -> Mapping[str, Any] | None:
    if field.kind in _SIMPLE:
        return _SIMPLE[field.kind]
    if field.kind is Kind.VECTOR:
        return _vector(len(layout.tags), nearest=nearest)
    if field.kind is Kind.SHARES:
        of_each = {plain_name(pair): {"type": "float"} for pair in layout.pairs}
    else:
        of_each = {column.field: dict(_COLUMNS[column.type]) for column in layout.columns}
    return {"properties": of_each} if of_each else None


def _vector(dimension: int, *, nearest: bool) -> Mapping[str, Any] | None:
    if not dimension:
        return None
    if not nearest:
        return {"type": "float", "index": False, "doc_values": False}
    # Euclidean: an angle is not told of a track without any score.
    method = {"name": "hnsw", "engine": "lucene", "space_type": "l2"}
    return {"type": "knn_vector", "dimension": dimension, "method": method}
