"""The look of a region: the four values it may set, and the tokens of its style sheet that are made
of them, for day and night.

Contrasts are those of WCAG 2.2 (relative luminance of sRGB). The colours of maps and of states are
the same in every region.
"""

from collections.abc import Iterator, Mapping
from functools import cache

from geoguichet.floor.region import Theme
from geoguichet.floor.words import _, given

#: What a text needs against its ground (WCAG 2.2, 1.4.3).
LEGIBLE = 4.5

#: Ground, surface, tint and line of each ground, for day then for night.
_GROUNDS: Mapping[str, tuple[tuple[str, str, str, str], tuple[str, str, str, str]]] = {
    "chaud": (
        ("#FBFAF7", "#FFFFFF", "#F3F0E8", "#DAD5C8"), ("#14191A", "#1B2122", "#232A2B", "#3A4443"),
    ),
    "neutre": (
        ("#FAFAFA", "#FFFFFF", "#F1F1F1", "#D7D7D7"), ("#161717", "#1E1F1F", "#272828", "#424444"),
    ),
    "froid": (
        ("#F8FAFC", "#FFFFFF", "#EDF1F5", "#D0D8E0"), ("#12171D", "#191F27", "#212832", "#3A4451"),
    ),
}  # fmt: skip

#: The tokens that no region changes, for day then for night: ink, states, focus, then maps.
_FIXED: Mapping[str, tuple[str, str]] = {
    "trait-fort": ("#7F7A6B", "#8C9693"),
    "encre": ("#1F2527", "#ECEAE3"), "encre-2": ("#52585A", "#B7BAB3"),
    "ok": ("#1F6540", "#8FD6A8"), "ok-doux": ("#E3F1E7", "#1B3325"),
    "non": ("#8A2F22", "#F5A699"), "non-doux": ("#F9E8E3", "#40231E"),
    "inc": ("#5E4F1C", "#E3CC83"), "inc-doux": ("#F4ECD3", "#373018"),
    "focus": ("#1B4FD6", "#9CC2FF"),
    "c-hors": ("#E7E3D9", "#14191A"), "c-sol": ("#FBFAF7", "#2A3233"),
    "c-etat": ("#E2A43B", "#D08A1E"), "c-etat-t": ("#7A4E00", "#14191A"),
    "c-mairie": ("#79AFD8", "#4486BD"), "c-mairie-t": ("#1E5480", "#14191A"),
    "c-deux": ("#6A3558", "#F7E4F1"), "c-deux-t": ("#3C1831", "#14191A"),
    "c-gagne": ("#5A9BD0", "#5A9BD0"), "c-gagne-t": ("#0C3F73", "#0C3F73"),
    "c-perdu": ("#CF5662", "#CF5662"), "c-perdu-t": ("#7D0F1D", "#7D0F1D"),
    "c-trame": ("#5C5747", "#B7BAB3"), "c-dep": ("#5C5747", "#A3AAA6"),
    "c-com": ("#CFC9BB", "#465050"), "c-point": ("#14202B", "#F4F2EC"),
    "c-halo": ("#FFFFFF", "#14191A"), "c-fin": ("#6E6859", "#8C9693"),
    "ombre": ("0 1px 2px rgb(31 37 39/.06),0 4px 16px rgb(31 37 39/.06)", "0 0 0 1px #3A4443"),
}  # fmt: skip


def colour(token: str) -> str:
    """Return a colour that no region changes, by day."""
    return _FIXED[token][0]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours ``#RRGGBB``, from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    shares = [part / 255 for part in _parts(colour)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


# Return a colour with a share of another in it.
def _mixed(colour: str, other: str, share: float) -> str:
    both = zip(_parts(colour), _parts(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in both)


# Return a colour by night: as bright as its hue allows, then paled, to be as easy to the eye.
def _lit(colour: str) -> str:
    parts = _parts(colour)
    bright = "#" + "".join(f"{round(part * 205 / (max(parts) or 255)):02X}" for part in parts)
    return _mixed(bright, "#FFFFFF", 0.35)


def legible(
    colour: str, grounds: tuple[str, ...], *, towards: str = "#000000", tint: float = 0.11
) -> str:
    """Return the colour nearest to one, on its way to black or white, that is read on the grounds and
    on the first of them with a tint of it.
    """
    steps = (_mixed(colour, towards, step / 100) for step in range(101))
    return next(
        made
        for made in steps
        if all(
            contrast(made, ground) >= LEGIBLE
            for ground in (*grounds, _mixed(grounds[0], made, tint))
        )
    )


@cache
def stylesheet(theme: Theme) -> str:
    """Return the tokens of a theme as CSS: by day, by night, and as a reader chose."""
    day, night = (_tokens(theme, place) for place in (0, 1))
    return (
        f":root{{color-scheme:light;{day}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=clair])"
        f"{{color-scheme:dark;{night}}}}}\n"
        f":root[data-theme=sombre]{{color-scheme:dark;{night}}}\n"
    )


def _tokens(theme: Theme, night: int) -> str:
    ground, surface, tint, line = _GROUNDS[theme.fond][night]
    made = {"fond": ground, "surface": surface, "surface-2": tint, "trait": line}
    made |= {"r": f"{theme.arrondi}px", "r-s": f"{round(theme.arrondi * 0.6)}px"}
    made |= {name: both[night] for name, both in _FIXED.items()}
    for name, colour in (("principal", theme.principale), ("accent", theme.accent)):
        start = _lit(colour) if night else colour
        grounds = (ground, surface, tint)
        share, towards = (0.2, "#FFFFFF") if night else (0.11, "#000000")
        strong = legible(start, grounds, towards=towards, tint=share)
        soft = _mixed(ground, strong, share)
        made |= {name: strong, f"{name}-doux": soft}
        made[f"sur-{name}"] = _mixed(strong, "#000000", 0.86) if night else "#FFFFFF"
    return ";".join(f"--{name}:{value}" for name, value in made.items())


def told(theme: Theme) -> Iterator[str]:
    """Yield a sentence for each colour that had to be darkened to be read."""
    grounds = _GROUNDS[theme.fond][0][:3]
    for key in ("principale", "accent"):
        colour = getattr(theme, key)
        used = legible(colour, grounds)
        if used != colour:
            before, after = (min(contrast(c, one) for one in grounds) for c in (colour, used))
            yield _(
                "{key} = {colour} n'est pas assez contrastée ({before}:1) : {used} ({after}:1) est "
                "utilisée.",
                key=key,
                colour=colour,
                before=given(round(before, 1), 1),
                used=used,
                after=given(round(after, 1), 1),
            )
