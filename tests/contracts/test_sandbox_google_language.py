"""The two small languages of Drive's API, `q` and `fields`: what is right is understood, what is wrong is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contracts.google_rig import check_schema, discovery

from telpher.sandbox.google.fields import FieldsInvalidError, apply_mask, parse_fields
from telpher.sandbox.google.query import (
    And,
    Comparison,
    Has,
    Member,
    Not,
    Or,
    Query,
    QueryInvalidError,
    parse_query,
    quote,
)

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_comparisons = st.one_of(
    st.builds(Comparison, st.sampled_from(["name", "mimeType"]), st.sampled_from(["=", "!=", "contains"]), _texts),
    st.builds(Comparison, st.just("modifiedTime"), st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), _texts),
    st.builds(Comparison, st.just("trashed"), st.sampled_from(["=", "!="]), st.sampled_from(["true", "false"])),
    st.builds(Member, _texts, st.sampled_from(["parents", "owners", "writers", "readers"])),
    st.builds(Has, st.sampled_from(["properties", "appProperties"]), _texts, _texts),
)
_queries: st.SearchStrategy[Query] = st.recursive(
    _comparisons,
    lambda inner: st.one_of(st.builds(Not, inner), st.builds(And, inner, inner), st.builds(Or, inner, inner)),
    max_leaves=8,
)


def write(query: Query) -> str:
    """A query as text, every group in parentheses."""
    match query:
        case Comparison(field, operator, value):
            return f"{field} {operator} {value if field == 'trashed' else quote(value)}"
        case Member(value, collection):
            return f"{quote(value)} in {collection}"
        case Has(collection, key, value):
            return f"{collection} has {{ key={quote(key)} and value={quote(value)} }}"
        case Not(of):
            return f"not ({write(of)})"
        case And(left, right):
            return f"({write(left)}) and ({write(right)})"
        case Or(left, right):
            return f"({write(left)}) or ({write(right)})"


@given(_queries)
def test_what_is_written_is_read_again(query: Query) -> None:
    assert parse_query(write(query)) == query


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_query(text)
    except QueryInvalidError:
        return


def test_and_binds_stronger_than_or_and_not_stronger_still() -> None:
    a, b, c = (Comparison("name", "=", letter) for letter in "abc")
    assert parse_query("name='a' or name='b' and name='c'") == Or(a, And(b, c))
    assert parse_query("not name='a' and name='b' AND (name='c' or name='a')") == And(And(Not(a), b), Or(c, a))


@pytest.mark.parametrize(
    "text",
    [
        "name", "name =", "name = 'a", "name = a", "= 'a'", "name = 'a' and", "(name = 'a'", "name = 'a')", "name < 'a'",
        "'x' in somewhere", "trashed = 'true'", "trashed contains true", "size > '3'", "name = 'a' name = 'b'",
        "fullText = 'a'", "properties has { key='a' }", "not", "name = 'it's'", "(" * 100 + "name='a'" + ")" * 100,
    ],
)  # fmt: skip
def test_wrong_queries_are_refused(text: str) -> None:
    with pytest.raises(QueryInvalidError):
        parse_query(text)


def _leaves(resource: str, depth: int = 3) -> list[str]:
    """Paths of a resource's fields as the discovery document has them."""
    found = []

    def walk(schema: dict[str, Any], path: list[str]) -> None:
        schema = schema.get("items", schema)
        if "$ref" in schema:
            schema = discovery()["schemas"][schema["$ref"]]
        for name, below in schema.get("properties", {}).items():
            found.append("/".join([*path, name]))
            if len(path) + 1 < depth:
                walk(below, [*path, name])

    walk({"$ref": resource}, [])
    return found


@given(st.lists(st.sampled_from(_leaves("FileList")), min_size=1, max_size=6))
def test_every_documented_path_is_a_selection(paths: list[str]) -> None:
    mask = parse_fields(",".join(paths), "FileList")
    nested = parse_fields(", ".join(path.replace("/", "(") + ")" * path.count("/") for path in paths), "FileList")
    assert mask == nested


@given(st.text("abfiles(),/*id name", max_size=30))
def test_any_selection_is_read_or_refused(text: str) -> None:
    try:
        parse_fields(text, "FileList")
    except FieldsInvalidError:
        return


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            "*",
            {"kind": "k", "files": [{"id": "1", "owners": [{"me": True, "displayName": "A"}]}], "nextPageToken": "t"},
        ),
        ("files/id", {"files": [{"id": "1"}]}),
        ("files(id,owners/me),kind", {"kind": "k", "files": [{"id": "1", "owners": [{"me": True}]}]}),
        ("files/owners(displayName)", {"files": [{"owners": [{"displayName": "A"}]}]}),
        ("files(*)", {"files": [{"id": "1", "owners": [{"me": True, "displayName": "A"}]}]}),
        ("*/id", {"files": [{"id": "1"}]}),
        ("files(id),files(owners(me))", {"files": [{"id": "1", "owners": [{"me": True}]}]}),
        (" files ( id ) , nextPageToken ", {"files": [{"id": "1"}], "nextPageToken": "t"}),
    ],
)
def test_selections_cut_down(fields: str, expected: dict[str, Any]) -> None:
    whole = {"kind": "k", "files": [{"id": "1", "owners": [{"me": True, "displayName": "A"}]}], "nextPageToken": "t"}
    assert apply_mask(whole, parse_fields(fields, "FileList")) == expected


@pytest.mark.parametrize(
    "text", ["nothing", "files(nothing)", "files(id", "files)", "files/", ",", "files(id)id", "id name"]
)
def test_wrong_selections_are_refused(text: str) -> None:
    with pytest.raises(FieldsInvalidError):
        parse_fields(text, "FileList")


def test_free_maps_may_be_looked_into() -> None:
    mask = parse_fields("properties/anything,exportLinks", "File")
    assert apply_mask({"properties": {"anything": "1", "other": "2"}}, mask) == {"properties": {"anything": "1"}}


def test_our_table_of_fields_is_googles() -> None:
    for name in (
        "About",
        "FileList",
        "File",
        "PermissionList",
        "ChangeList",
        "DriveList",
        "GeneratedIds",
        "StartPageToken",
    ):
        for path in _leaves(name):
            parse_fields(path, name)
    with pytest.raises(AssertionError, match="has no wrong"):
        check_schema("File", json.loads('{"id": "1", "wrong": true}'))
