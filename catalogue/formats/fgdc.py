"""FGDC CSDGM and DIF in XML, read so that older American catalogues are not refused."""

from geoguichet.catalogue.formats import conversions as to
from geoguichet.catalogue.formats.mapping import Format, Mapped, Part
from geoguichet.catalogue.formats.xml import child, name
from geoguichet.catalogue.record import Concept, Theme

_KINDS = ("theme", "place", "stratum", "temporal")


# Return the groups of keywords: their kind, their thesaurus (blank when none), their words.
def _groups(part: Part, path: str) -> list[tuple[str, str, list[str]]]:
    found = []
    for kind in _KINDS:
        for group in part.at(f"{path}/{kind}"):
            named = group.text(f"{kind}kt")
            thesaurus = "" if named.lower() in ("none", "none.", "n/a") else named
            found.append((kind, thesaurus, group.texts(f"{kind}key")))
    return found


def _keywords(part: Part, path: str) -> tuple[str, ...]:
    free = (word for _, name, words in _groups(part, path) if not name for word in words)
    return tuple(dict.fromkeys(free))


def _themes(part: Part, path: str) -> tuple[Theme, ...]:
    return tuple(
        Theme(tuple(Concept(word, word) for word in words), "", {"title": name, "type": kind})
        for kind, name, words in _groups(part, path)
        if name and words
    )


def _parameters(part: Part, path: str) -> tuple[Theme, ...]:
    named = (" > ".join(item.texts("*")) for item in part.at(path))
    concepts = tuple(Concept(text, text) for text in named if text)
    return (Theme(concepts, "", {"title": "GCMD"}),) if concepts else ()


_POINT = to.contacts(
    "pointOfContact",
    organization="cntorgp/cntorg, cntperp/cntorg",
    name="cntperp/cntper, cntorgp/cntper",
    emails="cntemail",
    phones="cntvoice",
)
_PERSON = to.contacts("pointOfContact", name="First_Name + Last_Name", emails="Email")
_CENTRE = to.contacts(
    "distributor", organization="Data_Center_Name/Long_Name, Data_Center_Name/Short_Name"
)
_WHEN = "idinfo/timeperd/timeinfo"
_BOX = to.box("westbc", "southbc", "eastbc", "northbc")
_DIF_BOX = to.box(
    "Westernmost_Longitude",
    "Southernmost_Latitude",
    "Easternmost_Longitude",
    "Northernmost_Latitude",
)

#: Of FGDC, and of DIF where the path begins with a capital.
MAPPING = (
    Mapped("id", "idinfo/datsetid, Entry_ID", "in", read=to.line),
    Mapped("type", "", "in", "dataset", to.always("dataset")),
    Mapped("title", "idinfo/citation/citeinfo/title, Entry_Title", "in", read=to.line),
    Mapped("description", "idinfo/descript/abstract, Summary/Abstract, Summary", "in"),
    Mapped("purpose", "idinfo/descript/purpose", "in"),
    Mapped(
        "dates",
        "idinfo/citation/citeinfo/pubdate",
        "in",
        "publication",
        to.dates("publication"),
    ),
    Mapped(
        "contacts",
        "idinfo/citation/citeinfo/origin",
        "in",
        "author",
        to.contacts("author", organization=""),
    ),
    Mapped("contacts", "idinfo/ptcontac/cntinfo", "in", read=_POINT),
    Mapped("contacts", "Personnel", "in", read=_PERSON),
    Mapped("contacts", "Data_Center", "in", "distributor", _CENTRE),
    Mapped("links", "idinfo/citation/citeinfo/onlink", "in", read=to.links("related")),
    Mapped("links", "Related_URL", "in", read=to.links("related", href="URL", title="Description")),
    Mapped("keywords", "idinfo/keywords", "in", "groups without a thesaurus", _keywords),
    Mapped("keywords", "Keyword", "in", read=to.words()),
    Mapped("themes", "idinfo/keywords", "in", "groups with a thesaurus", _themes),
    Mapped("themes", "Parameters", "in", "GCMD", _parameters),
    Mapped(
        "time",
        f"{_WHEN}/sngdate + {_WHEN}/mdattim/sngdate + {_WHEN}/rngdates",
        "in",
        read=to.periods("caldate, begdate", "caldate, enddate"),
    ),
    Mapped("time", "Temporal_Coverage", "in", read=to.periods("Start_Date", "Stop_Date")),
    Mapped(
        "rights",
        "idinfo/accconst + idinfo/useconst, Use_Constraints",
        "in",
        read=lambda part, path: "\n".join(" ".join(text.split()) for text in part.texts(path)),
    ),
    Mapped("license", "idinfo/accconst + idinfo/useconst", "in", read=to.licence),
    Mapped("lineage", "dataqual/lineage/procstep/procdesc", "in", read=to.lines),
    Mapped("updated", "metainfo/metd, Last_DIF_Revision_Date", "in", read=to.stamp),
    Mapped("geometry", "idinfo/spdom/bounding", "in", read=_BOX),
    Mapped("geometry", "Spatial_Coverage", "in", read=_DIF_BOX),
)

FORMAT = Format(
    "fgdc",
    "FGDC CSDGM and DIF",
    MAPPING,
    "xml",
    claims=lambda root: (
        name(root) == "DIF" or (name(root) == "metadata" and child(root, "idinfo") is not None)
    ),
)
