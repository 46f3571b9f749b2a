"""Every type has its words, every category one type, every need a counter."""

from geoguichet.referentials.directory.services import (
    NEEDS,
    OTHER,
    SERVICE_TYPES,
    TYPE_OF_BPE,
    TYPE_OF_CATEGORY,
)


def test_the_types_studies_name_are_still_there() -> None:
    assert {"town_hall", "town_hall_annex", "prefecture", "sous_prefecture", OTHER} <= set(
        SERVICE_TYPES
    )


def test_a_category_or_code_belongs_to_one_type() -> None:
    kinds = SERVICE_TYPES.values()
    assert sum(len(kind.directory) for kind in kinds) == len(TYPE_OF_CATEGORY)
    assert sum(len(kind.bpe) for kind in kinds) == len(TYPE_OF_BPE)


def test_a_need_leads_to_counters_that_exist() -> None:
    for key, need in NEEDS.items():
        assert need.key == key
        assert need.label_fr
        assert need.label_en
        assert need.types
        assert set(need.types) <= set(SERVICE_TYPES)


def test_a_counter_tells_what_is_done_there() -> None:
    assert "family_allowance" in NEEDS["housing_benefit"].types
    assert NEEDS["identity_card"].types == ("town_hall",)
    assert not any(OTHER in need.types for need in NEEDS.values())
