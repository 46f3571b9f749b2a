"""Opening hours as French lists write them: the cell of a weekday, or a week in prose."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from geoguichet.floor.words import bare
from geoguichet.referentials.directory.hours import (
    DAY_MINUTES,
    DAYS,
    WEEKDAYS_FR,
    Span,
    Week,
    clocks,
    of_day,
    osm_week,
    without,
)

# -- the cell of a weekday

_TIME = r"(\d{1,2})\s*+(?:[:hH]\s*+(\d{2})?)"
_FRENCH_SPAN = re.compile(rf"{_TIME}\s*+(?:-|–|à|a|/)\s*+{_TIME}")
_BETWEEN = re.compile(r"(?:\s|/|,|;|et|puis|\u00a0)*")
_CLOSED = frozenset(
    {"", "-", "fermé", "ferme", "fermée", "fermeture", "closed", "néant", "x", "off", "non"}
)


@dataclass(frozen=True, slots=True)
class DayHours:
    """What one weekday's cell says."""

    spans: tuple[Span, ...]
    #: Spans whose two ends are equal, such as ``00:00 - 00:00``: left out, and told.
    empty_spans: int


def french_day(text: str | None) -> DayHours | None:
    """Return what a cell such as ``09:00 - 12:00 / 13h30 à 17h`` says; None when any part is not
    understood.

    Blank, ``-``, ``non`` and ``fermé`` are a closed day.

    >>> french_day("9h-12h30 / 14:00 - 17:00").spans
    ((540, 750), (840, 1020))
    """
    cell = (text or "").replace("\u00a0", " ").strip().lower()
    if cell in _CLOSED:
        return DayHours((), 0)
    spans: list[Span] = []
    empty = position = 0
    while position < len(cell):
        match = _FRENCH_SPAN.match(cell, position)
        if match is None:
            return None
        hours = [int(part or 0) for part in match.groups()]
        opens, closes = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
        if max(hours[1], hours[3]) > 59 or closes > DAY_MINUTES or opens > closes:
            return None
        if opens == closes:
            empty += 1
        else:
            spans.append((opens, closes))
        between = _BETWEEN.match(cell, match.end())
        position = between.end() if between else len(cell)
    return DayHours(tuple(spans), empty)


# -- a week in prose

_MONTHS = "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre"
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = rf"(?:{_MONTHS.replace(' ', '|')}|janv|fev(?:r)?|avr|juil|sept|oct|nov|dec)\.?"
_DAY = (
    r"(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lun|mar|mer|jeu|ven|sam|dim"
    r"|lu|ma|me|je|ve|sa|di)s?\.?"
)
_NTH = (
    r"(?:1ere?s?|premiers?|2e(?:me)?s?|2nds?|deuxiemes?|seconds?|3e(?:me)?s?|troisiemes?"
    r"|4e(?:me)?s?|quatriemes?|5e(?:me)?s?|derniers?)"
)
_CLOCK = (
    r"(?:\d{1,2}\s*(?:h(?:eures?|rs?)?(?:\.(?=\s?\d))?(?:\s*[0-5]\d(?!\d))?"
    r"|(?::|\.(?=\d\d))(?:[0-5]\d(?!\d))?)(?::00)?(?:\s*min)?"
    r"|midi|minuit|\d{1,2})"
)
_PLACE = (
    r"(?:a la|au|a l|dans la|dans le|dans les|en)\s+(?:salle|maison|mediatheque|bibliotheque|mairie"
    r"|centre|espace|foyer|locaux|rez|siege)"
)
_BOOKED = r"(?:(?:sur|avec|par|de|prendre)\s*)?(?:prise\s+de\s+)?(?:rendez[-\s]?vous|r\.?d\.?v\.?)"
_AWAY = r"(?:sauf|hors|hormis|excepte[es]*|en dehors d[eu]s?|a l exception d[eu]s?)"

#: What is looked for in a text without capitals, accents and apostrophes, in this order: kind,
#: pattern. What is none of these is odd, and what it stands beside is then unsure.
_KINDS = (
    ("harmless", r"(?:(?:par|au|num\w*|n°)\s+)*(?:(?:tel|telephone|fax|portable)[\s.:au]*)?0\d(?:[\s.]?\d\d){4}"),
    ("harmless", rf"{_PLACE}(?:\s+(?!{_DAY}(?!\w)|le\b|les\b|ferme|sauf|sur\b|un\b|une\b|hors\b)[a-z]+){{0,4}}"),
    ("freely", rf"(?:avec ou )?sans {_BOOKED}"),
    ("harmless", r"sans interruption|non[-\s]stop|en continu"),
    ("harmless", r"journee continue|y compris|(?:du|de chaque|dans le) mois|au public"),
    ("booked", rf"(?:(?:uniquement|seulement|exclusivement)\s+)?{_BOOKED}"),
    ("always", r"24\s*h?\s*(?:/|sur)\s*24(?:\s*h)?"),
    ("everyday", r"tous les (?:jours|matins|apres[-\s]midis)|toute la semaine|chaque jour"),
    ("everyday", r"7\s*j?(?:ours)?\s*(?:/|sur)\s*7(?:\s*j(?:ours)?)?"),
    ("alternate", rf"(?:un|une|1)\s+(?:semaine|fois|{_DAY})\s+sur\s+(?:deux|2|trois|3|quatre|4)"),
    ("alternate", rf"(?:un|une|1|deux|2)\s+{_DAY}\s+par\s+mois"),
    ("alternate", r"tous les (?:15|quinze) jours|par quinzaine|semaine [ab]"),
    ("parity", r"(?:les\s+|en\s+)?semaines?\s+(?:im)?paires?"),
    ("dates", rf"(?:du\s+)?\d{{1,2}}(?:er)?\s+{_MONTH}\s+(?:au|-)\s+\d{{1,2}}(?:er)?\s+{_MONTH}"),
    ("months", rf"(?:{_AWAY}\s+)?(?:de\s+|d\s+|en\s+|mois d\w*\s+|au\s+)*{_MONTH}(?:\s*(?:a|au|-|et|,)\s*{_MONTH})?"),
    ("school", rf"(?:{_AWAY}\s+)?(?:les\s+|pendant\s+)*(?:periodes?\s+(?:de\s+)?)?(?:vacances|conges)"
               r"(?:\s+scolaires?)?"),
    ("school", r"(?:en\s+|pendant\s+)?(?:la\s+)?periodes?\s+scolaires?"),
    ("public", rf"(?:(?:{_AWAY}|fermee?s?)\s+)?(?:les\s+)?(?:jours\s+)?feriee?s?"),
    ("except", _AWAY),
    ("closed", r"fermee?s?|fermeture|pas d ouverture|ferment"),
    ("open", r"ouverte?s?|ouverture"),
    ("span", rf"(?:entre\s+{_CLOCK}\s*et\s*{_CLOCK}|{_CLOCK}\s*(?:-|–|—|>|a|/|jusqu a)\s*{_CLOCK})"),
    ("range", rf"(?:du\s+|de\s+)?{_DAY}\s*(?:au|a|-|–|—|>|jusqu au)\s*{_DAY}(?:\s+inclus)?"),
    ("nth", rf"{_NTH}(?:\s*(?:,|et|&)\s*(?:les?\s+)?{_NTH})*(?=\s+{_DAY})"),
    ("working", r"en semaine|jours? ouvres?"),
    ("workable", r"jours? ouvrables?"),
    ("weekend", r"week[-\s]?ends?"),
    ("day", _DAY),
    ("harmless", r"(?:le |l )?(?:matin(?:ee)?s?|apres[-\s]midis?|soir(?:ee)?s?|midi)"),
    ("harmless", r"horaires?|d|de|du|des|le|les|la|l|a|au|aux|et|puis|ainsi que|en|uniquement"
                 r"|seulement|accueil|public|physique|permanences?|guichet|bureau|mairie|agence"
                 r"|secretariat|chaque|tous|toutes|jours?|semaine|est|sont|ouvre|inclus|h"),
    ("odd", r"\w+"),
)  # fmt: skip
# A long text takes the time of its length: what was taken of white space is not given back (nothing
# that follows it is white space), and no word of a list is followed by more than six others.
_TOKEN = re.compile(
    "|".join(
        rf"(?P<{kind}_{n}>(?<!\w){pattern}(?!\w))"
        for n, (kind, pattern) in enumerate(
            (
                kind,
                pattern.replace(r"\s+", r"\s++").replace(r"\s*", r"\s*+").replace(")*", "){0,6}"),
            )
            for kind, pattern in _KINDS
        )
    )
    + r"|(?P<break_x>//|[;\n|]|\.(?=\s|$))|(?P<mark_x>[^\w\s])"
)
_BOUND = re.compile(_CLOCK)
_SETS = {"everyday": range(7), "working": range(5), "workable": range(6), "weekend": (5, 6)}
_DAY_KINDS = frozenset({"day", "range", *_SETS})
_QUALIFIERS = frozenset({"alternate", "parity", "dates", "months", "school", "nth"})
#: The number in the month of the words of `_NTH`, by their first two characters.
_NUMBERS = {"1e": "1", "pr": "1", "2e": "2", "2n": "2", "se": "2", "3e": "3", "tr": "3", "4e": "4"}
_NUMBERS |= {"qu": "4", "5e": "5", "de": "2", "rn": "-1"}


@dataclass(slots=True)
class _Clause:
    """What is said of some days."""

    days: list[int] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    #: Spans of which nobody can tell: on appointment, one week in two.
    unsure: list[Span] = field(default_factory=list)
    #: Months or weeks when it holds, in OpenStreetMap's form.
    season: str = ""
    nth: str = ""
    #: ``SH`` when it holds during school holidays, ``-SH`` outside them.
    school: str = ""
    #: Whether it holds on public holidays too.
    public: bool = False
    closed: bool = False
    #: Whether it was said to be closed after its days: what follows is another clause.
    ended: bool = False
    #: Whether its hours came before its days, or its days are an exception to the clause before.
    hours_first: bool = False
    excepted: bool = False
    doubtful: bool = False
    #: Whether it has numbers that are no hours: its spans may be wrong.
    garbled: bool = False
    booked: bool = False
    #: Words that leave it unsure, and rules of its own that it adds.
    told: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)

    @property
    def said(self) -> bool:
        """Whether it says when, on which days: another weekday then begins another clause."""
        return bool(self.days and (self.spans or self.unsure or self.booked or self.told))


@dataclass(frozen=True, slots=True)
class ProseWeek:
    """What a text says of a week."""

    #: None when nothing in it is understood.
    week: Week | None
    #: The parts that leave some of it unsure, as published but for capitals and accents.
    unsure: tuple[str, ...]


@lru_cache(maxsize=1 << 16)
def french_week(text: str) -> ProseWeek:
    """Return the week of a text in French: ``du lundi au vendredi 9h-12h et 14h-17h, mercredi sur
    rendez-vous``.

    Weekdays and their ranges, spans, what is closed, half days, spans past midnight, months, odd
    and even weeks, the first or last weekday of a month, public and school holidays. What is on
    appointment, one week in two, or beside words that are not known here, is unsure.

    >>> french_week("mardi de 10h à 12h, jeudi de 14h à 17h30").week.osm
    'Tu 10:00-12:00; Th 14:00-17:30'
    """
    return _Prose().read(text)


class _Prose:
    def __init__(self) -> None:
        self.sure: list[list[Span]] = [[] for _ in DAYS]
        self.unsure: list[list[Span]] = [[] for _ in DAYS]
        self.rules: list[str] = []
        self.told: list[str] = []
        self.last_days: list[int] = []
        self.closed: set[int] = set()
        self.understood = False

    def read(self, text: str) -> ProseWeek:
        for clause in _clauses(_folded(text)):
            self.take(clause)
        if self.closed and not (any(self.sure) or any(self.unsure) or self.rules):
            # It says when it is closed, and no more: the other days are not known.
            self.doubt(set(range(7)) - self.closed, [])
        if any(self.unsure) and not self.told:
            self.told.append(text.strip())
        if not self.understood:
            return ProseWeek(None, tuple(self.told))
        base = Week.of_days(self.sure, self.unsure)
        if not self.rules:
            nothing = not base.spans and not self.closed
            whole = len(base.unsure) == 7 and all(b - a == DAY_MINUTES for a, b in base.unsure)
            return ProseWeek(None if nothing and (whole or not base.unsure) else base,
                             tuple(self.told))  # fmt: skip
        written = "; ".join(filter(None, [base.osm, *dict.fromkeys(self.rules)]))
        return ProseWeek(osm_week(written.replace("; +", ", ").removeprefix("+")), tuple(self.told))

    def take(self, clause: _Clause) -> None:
        spans = [*clause.spans, *clause.unsure]
        days = clause.days or (self.last_days if spans else [])
        self.last_days = days or self.last_days
        doubtful = clause.doubtful or (clause.booked and not clause.spans)
        silent = bool(days) and not (spans or clause.closed)
        if clause.told or silent:
            self.told.append(" ".join(clause.told) or ", ".join(WEEKDAYS_FR[day] for day in days))
        self.rules += clause.rules
        if clause.excepted:
            for day in days:
                self.sure[day], self.unsure[day] = [], []
        if clause.garbled:
            self.doubt(days or self.last_days or range(7), [])
        elif clause.school and not (days or spans):
            self.rules += ["SH off"] * (clause.closed or clause.school == "-SH")
        elif clause.public and not days:
            self.rules.append(f"PH {clocks(spans)}" if spans else "PH off")
        elif clause.closed and not spans:
            self.close(clause, days)
        elif clause.closed and len(clause.days) > 1:
            self.doubt(days, [])
        elif clause.closed:
            self.cut(days, spans)
        elif not days and (spans or clause.booked):
            self.doubt(range(7), spans)
        elif clause.season or clause.nth or clause.school == "SH":
            self.only_then(clause, days, spans, doubtful)
        else:
            self.add(clause, days, spans, doubtful)

    def add(self, clause: _Clause, days: list[int], spans: list[Span], doubtful: bool) -> None:
        self.understood |= bool(days)
        if doubtful or not spans:
            self.doubt(days, spans)
        else:
            for day in days:
                self.sure[day] += clause.spans
            self.doubt(days if clause.unsure or clause.booked else [], clause.unsure)
        if clause.school:
            self.rules.append(f"SH {_selector(days)} off")
        if clause.public and spans:
            self.rules.append(f"PH {clocks(spans)}")

    # Say that some days may be open: during these spans, all day when there are none.
    def doubt(self, days: Iterable[int], spans: list[Span]) -> None:
        for day in days:
            self.understood = True
            self.unsure[day] += spans or [(0, DAY_MINUTES)]

    def close(self, clause: _Clause, days: list[int]) -> None:
        self.understood = True
        if clause.season or clause.nth:
            self.rules.append(_rule(clause, days, "off"))
        elif clause.doubtful:
            self.doubt(days or range(7), [])
        else:
            self.closed |= set(days or range(7))
            for day in days:
                self.sure[day] = []
        if clause.public:
            self.rules.append("PH off")

    # Take away the hours that a text says it is closed in.
    def cut(self, days: list[int], spans: list[Span]) -> None:
        for day in days:
            self.sure[day] = without(self.sure[day], spans)

    def only_then(
        self, clause: _Clause, days: list[int], spans: list[Span], doubtful: bool
    ) -> None:
        self.understood |= bool(days)
        unsure = " unknown" if doubtful or not spans else ""
        self.rules.append(_rule(clause, days, f"{clocks(clause.spans or spans)}{unsure}".strip()))


# Write a rule that holds in some months, weeks or school holidays; one for some weeks or some days
# of the month adds to the others, one for months replaces them.
def _rule(clause: _Clause, days: list[int], hours: str) -> str:
    added = "+" if clause.nth or clause.season.startswith("week") else ""
    months = clause.season
    holiday = "SH " if clause.school == "SH" else ""
    where = _selector(days) if days else ""
    if clause.nth:
        where = ",".join(f"{DAYS[day]}[{clause.nth}]" for day in days)
    return added + " ".join(filter(None, [months, f"{holiday}{where}".strip(), hours]))


def _selector(days: Iterable[int]) -> str:
    chosen = sorted(set(days))
    first, last = chosen[0], chosen[-1]
    if len(chosen) > 2 and last - first == len(chosen) - 1:
        return f"{DAYS[first]}-{DAYS[last]}"
    return ",".join(DAYS[day] for day in chosen)


# Yield the clauses of a text: a weekday after some hours begins another.
def _clauses(text: str) -> Iterator[_Clause]:
    tokens = [(str(match.lastgroup).partition("_")[0], match[0]) for match in _TOKEN.finditer(text)]
    meaning = [kind for kind, _ in tokens if kind not in {"harmless", "mark"}] + ["break"]
    clause, before, away, booking, for_all = _Clause(), "", False, False, False
    for kind, word in tokens:
        if kind == "mark":
            before = kind
            continue
        if kind == "harmless":
            before = kind if word in {"et", "puis", "ainsi que"} else before
            continue
        meaning.pop(0)
        names_days = kind in _DAY_KINDS
        before_days = kind in _QUALIFIERS and (
            meaning[0] in _DAY_KINDS or bool(re.search(rf"{_DAY}\s+(?:sur|par)\b", word))
        )
        ends = (
            kind == "break"
            or ((names_days or before_days) and (clause.said or clause.ended))
            or (kind in {"closed", "open"} and (clause.said or (clause.closed and clause.days)))
            or (kind == "span" and (clause.ended or (clause.hours_first and clause.days)))
        )
        if ends:
            # What is on appointment stays so for the days that follow when it was said before any.
            booking &= for_all and kind != "break"
            yield clause
            clause = _Clause(excepted=away, closed=away)
        if names_days:
            chosen = _numbers(kind, word)
            if away and clause.days and not clause.excepted:
                clause.days = [day for day in clause.days if day not in chosen]
            else:
                clause.days += chosen
            away = away and meaning[0] in _DAY_KINDS
        elif kind == "except":
            away = meaning[0] in _DAY_KINDS
            clause.told += [] if away else [word]
        elif kind == "booked" and before == "span" and clause.spans:
            clause.unsure.append(clause.spans.pop())
            clause.told.append(word)
        elif kind in {"booked", "freely"}:
            booking, for_all = kind == "booked", not clause.days
            clause.booked |= booking
            clause.told += [word] * booking
        else:
            _add_to(clause, kind, word)
            if kind == "span" and booking and clause.spans:
                clause.unsure.append(clause.spans.pop())
                clause.booked = False
        before = kind
    yield clause


def _add_to(clause: _Clause, kind: str, word: str) -> None:
    match kind:
        case "span" | "always":
            span = (0, DAY_MINUTES) if kind == "always" else _span(word)
            if span is None:
                clause.garbled = True
                clause.told.append(word)
            elif span[0] != span[1]:
                clause.hours_first |= not clause.days
                clause.closed &= not clause.excepted
                clause.spans.append(span)
        case "alternate":
            clause.doubtful = True
            clause.told.append(word)
            clause.days += [_weekday(each) for each in re.findall(rf"\b{_DAY}(?= sur| par)", word)]
        case "parity":
            clause.season = "week 1-53/2" if "impair" in word else "week 2-52/2"
        case "dates" | "months" if re.match(_AWAY, word):
            clause.rules.append(f"{_season(word)} off")
        case "dates" | "months":
            clause.season = _season(word)
        case "nth":
            clause.nth = ",".join(
                _NUMBERS[each.replace("der", "rn")[:2]] for each in re.findall(_NTH, word)
            )
        case "school":
            outside = re.match(_AWAY, word) or "periode scolaire" in word
            clause.school = "-SH" if outside else "SH"
        case "public" if re.match(rf"{_AWAY}|ferm", word):
            clause.rules.append("PH off")
        case "public":
            clause.public = True
        case "closed":
            clause.closed, clause.ended = True, bool(clause.days)
        case "odd":
            clause.doubtful = True
            clause.garbled |= any(letter.isdigit() for letter in word)
            clause.told.append(word)


# Return the months of ``juillet et aout`` or ``du 1er avril au 30 septembre``.
def _season(word: str) -> str:
    months = [_month(name) for name in re.findall(_MONTH, word)]
    days = [int(day) for day in re.findall(r"\d+", word)]
    if days:
        return "-".join(f"{month} {day:02d}" for month, day in zip(months, days, strict=True))
    return ",".join(months) if re.search(r"\bet\b|,", word) else "-".join(months)


# Return OpenStreetMap's word for a month, or its abbreviation, in French.
def _month(name: str) -> str:
    names = _MONTHS.split()
    return _MONTHS_EN[next(n for n, each in enumerate(names) if each.startswith(name.rstrip(".")))]


def _numbers(kind: str, word: str) -> list[int]:
    if kind in _SETS:
        return list(_SETS[kind])
    ends = [_weekday(each) for each in re.findall(rf"(?<!\w){_DAY}(?!\w)", word)]
    first, last = ends[0], ends[-1]
    return list(range(first, last + 1)) if first <= last else [*range(first, 7), *range(last + 1)]


def _weekday(word: str) -> int:
    return next(number for number, name in enumerate(WEEKDAYS_FR) if name.startswith(word[:2]))


# Return a span; one that closes before it opens is a night, or None when that is none.
def _span(word: str) -> Span | None:
    first, last = _BOUND.findall(word.removeprefix("entre"))[:2]
    if first.strip().isdigit() and last.strip().isdigit():
        return None
    opens, closes = _minute(first), _minute(last)
    closes = closes or DAY_MINUTES if opens else closes
    if closes < opens and opens >= 17 * 60 and closes <= 9 * 60:
        closes += DAY_MINUTES
    known = opens <= closes and opens < DAY_MINUTES and closes <= opens + DAY_MINUTES
    return (opens, closes) if known and (closes <= DAY_MINUTES or opens >= 17 * 60) else None


def _minute(clock: str) -> int:
    if clock in {"midi", "minuit"}:
        return 12 * 60 if clock == "midi" else 0
    numbers = re.findall(r"\d+", clock)
    return int(numbers[0]) * 60 + int(numbers[1] if len(numbers) > 1 else 0)


def _folded(text: str) -> str:
    return re.sub(r"['’\u00a0\t ]+", " ", bare(text))


def read_week(text: str) -> ProseWeek:
    """Return the week of one cell, in OpenStreetMap's form (``Mo-Fr 9h-12h`` too) or in French; of
    what is half understood, the half that is.
    """
    half = None
    for each in (text, _HOUR_MARK.sub(lambda found: f"{found[1]}:{found[2] or '00'}", text)):
        week = osm_week(each)
        if week is not None and ("unknown" in each or "unknown" not in week.text):
            return ProseWeek(week, ())
        half = week or half
    return french_week(text) if half is None else ProseWeek(half, (text.strip(),))


_HOUR_MARK = re.compile(r"\b(\d{1,2})\s?[hH](\d{2})?\b")


def week_of_cells(
    cells: Sequence[str], read: Sequence[DayHours | None]
) -> tuple[Week | None, list[int]]:
    """Return the week of a cell a weekday, Monday first, and the places of those that leave their
    day unsure.

    Parameters
    ----------
    read
        What `french_day` makes of each: the others are read as prose. None when all are unsure.
    """
    sure: list[Sequence[Span]] = []
    unsure: list[Sequence[Span]] = []
    rules: list[str] = []
    odd: list[int] = []
    for place, (cell, day) in enumerate(zip(cells, read, strict=True)):
        prose = ProseWeek(None, ()) if day else french_week(f"{WEEKDAYS_FR[place]} {cell}")
        if day or prose.week is None:
            sure.append(day.spans if day else ())
            unsure.append(() if day else ((0, DAY_MINUTES),))
        elif prose.week.text:
            rules.append(prose.week.text)
            sure.append(())
            unsure.append(())
        else:
            sure.append(of_day(prose.week.spans, place))
            unsure.append(of_day(prose.week.unsure, place))
        if day is None and (prose.week is None or prose.unsure):
            odd.append(place)
    week = Week.of_days(sure, unsure)
    if rules:
        return osm_week("; ".join(filter(None, [week.osm, *rules]))), odd
    return (
        None
        if odd and not week.spans and len(odd) == sum(map(bool, map(str.strip, cells)))
        else week
    ), odd
