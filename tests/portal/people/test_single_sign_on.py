"""Sign-in by OpenID Connect, from end to end, at a provider that the tests start."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from geoguichet.floor.errors import UsageError
from geoguichet.floor.region import read_region
from geoguichet.portal.people import links

mock = pytest.importorskip("oidc_provider_mock", reason="oidc-provider-mock is not installed")

HOST, OTHER = "200053791", "130025265"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with mock.run_server_in_thread(require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture(scope="module")
def federated(
    provider: str,
    portal,
    tmp_path_factory: pytest.TempPathFactory,
    serve: Callable[..., AbstractContextManager[str]],
) -> Iterator:
    """A portal whose region signs in at the provider, with a secret of its own."""
    folder = tmp_path_factory.mktemp("federated")
    declared = f'[sign_in]\nissuer = "{provider}"\nclient_id = "geoguichet"\nname = "ProEssai"\n'
    (folder / "region.toml").write_text(declared, encoding="utf-8")
    made = type(portal).with_accounts(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEOGUICHET_OIDC_SECRET", "très secret")
        with serve(folder) as url:
            yield type(portal)(folder, url, made)


def known(provider: str, subject: str, **claims: object) -> None:
    answer = requests.put(f"{provider}/users/{subject}", json=claims)
    assert answer.ok, answer.text


def gone_and_back(
    browser: requests.Session, url: str, subject: str, path: str = "/connexion/ailleurs"
):
    """Follow the way to the provider, say there who one is, and come back."""
    left = browser.get(url + path, allow_redirects=False)
    assert left.status_code == 303
    answered = requests.post(left.headers["Location"], data={"sub": subject}, allow_redirects=False)
    return browser.get(answered.headers["Location"], allow_redirects=False)


def test_who_has_a_verified_address_signs_in_and_is_bound_to_its_subject(
    federated, provider: str
) -> None:
    person = federated.opened("agent@essai.example", "editor")
    known(provider, "s1", email="Agent@Essai.example", email_verified=True, name="Agent")
    browser = federated.browser()
    assert "Se connecter avec ProEssai" in browser.show("/connexion").text
    answer = gone_and_back(browser, federated.url, "s1")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/compte")
    assert "agent@essai.example" in browser.show("/compte").text
    known(provider, "s1", email="autre@essai.example", email_verified=True)
    again = federated.browser()
    assert gone_and_back(again, federated.url, "s1").status_code == 303, "the subject is enough"
    assert person.pseudonym in again.show("/compte").text
    assert federated.asked("SELECT count(*) FROM subject WHERE person = ?", person.number) == [(1,)]


@pytest.mark.parametrize(
    ("claims", "opened"),
    [
        ({"email": "inconnu@essai.example", "email_verified": True}, False),
        ({"email": "vrai@essai.example", "email_verified": False}, True),
        ({"email": "vrai@essai.example"}, True),
        ({}, False),
    ],
)
def test_nobody_else_comes_in_nor_has_an_account_made(
    federated, provider: str, claims: dict[str, object], opened: bool
) -> None:
    if opened:
        federated.opened("vrai@essai.example")
    before = federated.asked("SELECT count(*) FROM person")
    known(provider, "s2", **claims)
    browser = federated.browser()
    answer = gone_and_back(browser, federated.url, "s2")
    assert answer.status_code == 403 and "invitation" in answer.text
    assert browser.show("/compte").status_code == 303
    assert federated.asked("SELECT count(*) FROM person") == before


def test_what_opened_an_account_before_its_address_was_verified_opens_it_no_more(
    federated, provider: str
) -> None:
    """Who opened it, by an invitation of that address, may have been another."""
    thief = federated.browser("cible@essai.example", "partner")
    known(provider, "s8", email="cible@essai.example", email_verified=True)
    owner = federated.browser()
    assert gone_and_back(owner, federated.url, "s8").status_code == 303
    assert not owner.get(f"{federated.url}/compte?f=json").json()["hasPassword"]
    assert thief.show("/compte").status_code == 303
    assert federated.browser().sign_in("cible@essai.example").status_code == 403


def test_who_is_suspended_stays_out(federated, provider: str) -> None:
    federated.opened("exclu@essai.example")
    federated.asked("UPDATE person SET state = 'suspended' WHERE email = 'exclu@essai.example'")
    known(provider, "s3", email="exclu@essai.example", email_verified=True)
    assert gone_and_back(federated.browser(), federated.url, "s3").status_code == 403


def test_an_invitation_of_the_address_opens_the_account_with_its_role_alone(
    federated, provider: str
) -> None:
    with federated.people.write() as base:
        links.invite(base, "venu@essai.example", OTHER, "contributor", by="machine")
    known(provider, "s4", email="venu@essai.example", email_verified=True, name="Venue d'Ailleurs")
    browser = federated.browser()
    assert gone_and_back(browser, federated.url, "s4").status_code == 303
    told = browser.get(f"{federated.url}/compte?f=json").json()
    assert told["name"] == "Venue d'Ailleurs" and not told["hasPassword"]
    assert [(role["siren"], role["role"]) for role in told["roles"]] == [(OTHER, "contributor")]
    assert federated.browser().sign_in("venu@essai.example", "").status_code == 403


def test_the_link_of_an_invitation_opens_it_for_an_identity_without_a_verified_address(
    federated, provider: str
) -> None:
    with federated.people.write() as base:
        key = links.invite(base, "pro@essai.example", HOST, "partner", by="machine")
    known(provider, "s5", usual_name="Durand")
    browser = federated.browser()
    assert "Accepter avec ProEssai" in browser.show(f"/acces/{key}").text
    answer = gone_and_back(browser, federated.url, "s5", f"/acces/{key}/ailleurs")
    assert answer.status_code == 303 and browser.show(f"/acces/{key}").status_code == 404
    assert gone_and_back(federated.browser(), federated.url, "s5").status_code == 303
    other = gone_and_back(federated.browser(), federated.url, "s6", f"/acces/{key}/ailleurs")
    assert other.status_code == 403, "it served once"


def test_the_way_there_carries_state_nonce_and_challenge_of_this_browser(federated) -> None:
    asked = []
    for _browser in range(2):
        left = federated.browser().show("/connexion/ailleurs")
        asked.append(
            {k: v[0] for k, v in parse_qs(urlsplit(left.headers["Location"]).query).items()}
        )
    assert asked[0]["code_challenge_method"] == "S256" and asked[0]["response_type"] == "code"
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[0][name]) >= 43 and asked[0][name] != asked[1][name]


def test_a_code_of_another_browser_or_a_wrong_state_opens_nothing(federated, provider: str) -> None:
    federated.opened("vole@essai.example")
    known(provider, "s7", email="vole@essai.example", email_verified=True)
    attacker, victim = federated.browser(), federated.browser()
    left = attacker.show("/connexion/ailleurs").headers["Location"]
    victim.show("/connexion/ailleurs")
    back = requests.post(left, data={"sub": "s7"}, allow_redirects=False).headers["Location"]
    for browser in (victim, federated.browser()):
        answer = browser.get(back, allow_redirects=False)
        assert answer.status_code == 403 and browser.show("/compte").status_code == 303
    code = parse_qs(urlsplit(back).query)["code"][0]
    state = parse_qs(urlsplit(victim.show("/connexion/ailleurs").headers["Location"]).query)[
        "state"
    ]
    injected = f"{federated.url}/connexion/retour?code={code}&state={state[0]}"
    assert victim.get(injected, allow_redirects=False).status_code == 403, "nonce and verifier"


@pytest.mark.parametrize("query", ["", "?error=access_denied", "?code=x&state=", "?state=é&code=x"])
def test_an_odd_way_back_is_one_sentence(federated, query: str, caplog) -> None:
    browser = federated.browser()
    browser.show("/connexion/ailleurs")
    with caplog.at_level(logging.WARNING, "geoguichet.security"):
        answer = browser.show("/connexion/retour" + query)
    assert answer.status_code == 403 and "abouti" in answer.text
    assert "très secret" not in answer.text + caplog.text


def test_a_provider_that_does_not_answer_is_one_sentence(
    tmp_path: Path, portal, serve: Callable[..., AbstractContextManager[str]]
) -> None:
    declared = '[sign_in]\nissuer = "http://127.0.0.1:9"\nclient_id = "geoguichet"\n'
    (tmp_path / "region.toml").write_text(declared, encoding="utf-8")
    type(portal).with_accounts(tmp_path)
    with serve(tmp_path) as url:
        answer = requests.get(f"{url}/connexion/ailleurs", headers={"Accept": "text/html"})
    assert answer.status_code == 403 and "recommencez" in answer.text
    assert not re.search(r"127.0.0.1:9\b|refused|Errno", answer.text.partition("<h1>")[2])


@pytest.mark.parametrize("key", ["%0d%0aSet-Cookie:x=1", "%F0%9F%8E%89", "a;b=%22c%22"])
def test_a_link_that_is_none_of_ours_leads_there_too_and_opens_nothing(federated, key: str) -> None:
    answer = federated.browser().show(f"/acces/{key}/ailleurs")
    assert answer.status_code == 303 and "x" not in answer.cookies


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ('issuer = "https://a.example"', "client_id"),
        ('client_id = "x"', "issuer"),
        ('issuer = "http://a.example"\nclient_id = "x"', "https"),
        ('issuer = "http://localhost.a.example"\nclient_id = "x"', "https"),
        ('issuer = "https://a.example"\nclient_id = "x"\nclient_secret = "y"', "client_secret"),
    ],
)
def test_half_a_declaration_or_a_secret_in_it_is_refused(
    tmp_path: Path, declared: str, told: str
) -> None:
    (tmp_path / "region.toml").write_text(f"[sign_in]\n{declared}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        read_region(tmp_path)
