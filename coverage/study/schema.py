"""What is told of the keys of a study: to editors and forms (JSON Schema), to readers (a table)."""

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from geoguichet.coverage.study.study import DataChoice, Heading, Study, StudyFile
from geoguichet.floor.declaration import Json, as_written
from geoguichet.floor.words import Message, _

#: Of more names than that, the first are told.
_MANY = 8


class _FileSchema(GenerateJsonSchema):
    """The JSON Schema of what a file writes, which is not always what is kept."""

    # Never: a title would only say the key again.
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    # Leave out what the reader fills.
    def field_is_present(self, field: Any) -> bool:
        return not field["validation_alias"].startswith("<")

    # Give a table its own keys and no other; its text is that of its key.
    def dataclass_schema(self, schema: Any) -> Json:
        found = super().dataclass_schema(schema)
        return {
            **{key: found[key] for key in found if key not in ("title", "description")},
            "additionalProperties": False,
        }

    # TOML has no null: what is not there is not written.
    def nullable_schema(self, schema: Any) -> Json:
        return self.generate_inner(schema["schema"])

    # Let a table do for two siting models, one of which asks for less.
    def tagged_union_schema(self, schema: Any) -> Json:
        return {"anyOf": super().tagged_union_schema(schema)["oneOf"]}

    # Write a default as in a file, with its unit; none and nothing go without saying.
    def default_schema(self, schema: Any) -> Json:
        found = super().default_schema(schema)
        default = found.pop("default", None)
        written = schema["schema"].get("metadata", {}).get("written")
        if default not in (None, "", []) and not isinstance(default, dict):
            found["default"] = written(default) if written else default
        return found


def study_schema() -> Json:
    """Return the JSON Schema of a study's file, its descriptions in the language spoken now."""
    found = TypeAdapter(StudyFile).json_schema(schema_generator=_FileSchema)
    found["properties"] = {"study": found["properties"].pop("study")} | found["properties"]
    title = _("Une étude de couverture : qui a accès à quels services, et où ouvrir des lieux")
    return {"$schema": GenerateJsonSchema.schema_dialect, "title": title, **found}


def document_of(study: Study) -> Json:
    """Return a study as its file writes it: ``parse_study`` makes the same study of it."""
    told = vars(study)
    heading = Heading(**{one.name: told[one.name] for one in fields(Heading)})
    data = DataChoice(**{one.name: told[one.name] for one in fields(DataChoice)})
    tables = {one.name: told[one.name] for one in fields(StudyFile) if one.name in told}
    written = as_written(StudyFile(study=heading, data=data, **tables))
    if study.kiosks is not None:  # the model decides which keys are read
        written["kiosks"] = {"model": study.kiosks.model, **written["kiosks"]}
    first = ("study", "contact", "territory", "data")
    return {name: written[name] for name in (*first, *written) if name in written}


def key_table() -> str:
    """Return the table of every key in Markdown, in the language spoken now.

    Of a key that some siting models alone read, it says which.
    """
    schema = study_schema()
    head = (_("table"), _("clé"), _("ce qu'elle reçoit"), _("sans elle"), _("ce qu'elle dit"))
    rows = [row for name, one in schema["properties"].items() for row in _rows(name, one, schema)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head), *rows))


# Yield the keys of a table, then those of the tables inside it.
def _rows(place: str, told: Json, schema: Json) -> Iterator[tuple[str, ...]]:
    if "patternProperties" in told:  # tables under names of the reader's own
        place, told = f"{place}.{_('NOM')}", next(iter(told["patternProperties"].values()))
    if "propertyNames" in told:
        keys = ", ".join(f"`{name}`" for name in told["propertyNames"]["enum"])
        yield f"`[{place}]`", keys, _("nom d'un besoin"), "", told["description"]
        return
    variants = [_resolved(one, schema) for one in told.get("anyOf", [told])]
    inside: Json = {}
    for key in dict.fromkeys(key for table in variants for key in table["properties"]):
        reading = [table for table in variants if key in table["properties"]]
        one, text = reading[0]["properties"][key], reading[0]["properties"][key]["description"]
        models = dict.fromkeys(
            table["properties"]["model"]["const"] for table in reading if len(variants) > 1
        )
        if key == "model":
            one = {**one, "enum": list(models)}
        if len(reading) < len(variants):
            text = f"{text} ({', '.join(models)})"
        default = f"`{json.dumps(one['default'])}`" if "default" in one else ""
        if key in reading[0].get("required", []):
            default = _("attendue")
        yield f"`[{place}]`", f"`{key}`", _takes(one), default, text
        if "$ref" in one:
            inside[f"{place}.{key}"] = one
        elif "$ref" in one.get("items", {}):
            inside[f"[{place}.{key}]"] = one["items"]
    for name, one in inside.items():
        yield from _rows(name, one, schema)


def _resolved(told: Json, schema: Json) -> Json:
    found: Json = schema["$defs"][told["$ref"].rpartition("/")[2]] if "$ref" in told else told
    return found


# Say what a key takes.
def _takes(told: Json) -> str:
    names = told.get("enum") or told.get("items", {}).get("enum") or []
    if names:
        shown = ", ".join(f"`{name}`" for name in names[:_MANY] if name)
        return (
            shown if len(names) <= _MANY else _("{names}… ({n} en tout)", names=shown, n=len(names))
        )
    if "examples" in told:
        return ", ".join(f"`{json.dumps(one, ensure_ascii=False)}`" for one in told["examples"])
    return (
        _("de {low} à {high}", low=f"{told['minimum']:.9g}", high=f"{told['maximum']:.9g}")
        if "minimum" in told
        else str(_KINDS.get(told.get("format") or told.get("type", "object"), _KINDS["object"]))
    )


_KINDS = {
    "string": Message("un texte"),
    "date": Message("un jour"),
    "array": Message("une liste"),
    "boolean": Message("`true` ou `false`"),
    "object": Message("une table"),
}
