"""How good the records are: totals by organisation and by source, and what is found most often."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from geoguichet.catalogue.quality import judging
from geoguichet.floor.language import speaking
from geoguichet.portal.api import answers
from geoguichet.portal.api.answers import answer
from geoguichet.portal.api.records import RecordsApi

PATH = "/quality"


class Quality:
    """``/quality``: the whole catalogue judged, once for each of its states."""

    def __init__(self, workspace: Path, url: str, records: RecordsApi) -> None:
        self.workspace = workspace.absolute()
        self.url = url
        self.records = records
        self._judged: tuple[int, dict[str, Any]] | None = None
        self._judging = Lock()

    def routes(self) -> list[BaseRoute]:
        """Return what to put before pygeoapi's own routes."""
        return [Route(PATH, self.records.door(self.quality))]

    async def quality(self, request: Request) -> Response:
        """Tell how good the catalogue is."""
        form, lang = (
            answers.wanted_form(request, ("json", "html", "csv")),
            answers.language(request),
        )
        answers.parameters(request)
        generation = self.records.store.generation()
        headers = answers.validators(generation, request, form, lang)
        if answers.is_unchanged(request, headers):
            return answer(b"", "application/json", lang, status=304, headers=headers)
        document = await run_in_threadpool(self.document, generation, lang)
        if form == "json":
            return answer(answers.to_json(document), "application/json", lang, headers=headers)
        if form == "csv":
            found = {"organisation": document["byOrganization"], "source": document["bySource"]}
            with speaking(lang):
                table = judging.as_csv(found)
            return answer(table, "text/csv; charset=utf-8", lang, headers=headers)
        page = await run_in_threadpool(self.records.render, "quality.html", document, lang)
        return answer(page.encode("utf-8", "replace"), "text/html", lang, headers=headers)

    def document(self, generation: int, lang: str) -> dict[str, Any]:
        """Return the totals of a state of the catalogue with their links."""
        kept = "&lang=en" if lang == "en" else ""
        links = [
            {"rel": "self", "href": f"{self.url}{PATH}?f=html{kept}", "type": "text/html"},
            {
                "rel": "alternate",
                "href": f"{self.url}{PATH}?f=json{kept}",
                "type": "application/json",
            },
            {"rel": "alternate", "href": f"{self.url}{PATH}?f=csv{kept}", "type": "text/csv"},
            {"rel": "collection", "href": f"{self.records.home}/items"},
        ]
        found = self._totals(generation)
        with speaking(lang):
            return {**found, "byRule": judging.mending(found["byRule"]), "links": links}

    def _totals(self, generation: int) -> dict[str, Any]:
        """Judge the catalogue unless this state of it was judged before; who asks meanwhile waits
        for the answer.
        """
        with self._judging:
            if self._judged is None or self._judged[0] != generation:
                self._judged = (generation, self._judge())
            return self._judged[1]

    def _judge(self) -> dict[str, Any]:
        judged = list(judging.judge(self.workspace))
        scores = [item.checked.score.value for item in judged]
        found = judging.summaries(judged)
        return {
            "records": len(judged),
            "score": round(sum(scores) / len(scores)) if scores else None,
            "byOrganization": [self._searchable(row) for row in found["organisation"]],
            "bySource": found["source"],
            "byRule": judging.by_rule(judged),
        }

    def _searchable(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the totals of an organisation with the address of its records; of no one, there is
        no such search.
        """
        if not row["group"]:
            return dict(row)
        return {
            **row,
            "href": f"{self.records.home}/items?{urlencode({'organization': row['group']})}",
        }
