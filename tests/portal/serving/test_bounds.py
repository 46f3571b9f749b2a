"""A server left open to strangers: slow clients, too many of them, its log and its end."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests
from starlette.requests import Request
from starlette.responses import Response

from geoguichet.portal.app import listen
from geoguichet.portal.serving.bounds import BoundedServer, Bounds, Sparing, connections_here

QUICK = Bounds(headers_s=0.3, body_s=0.3, reading_s=0.3, connections=5)


async def echo(scope, receive, send) -> None:
    """An application that answers with the length of what it was sent, or with 20 MB."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/piecemeal":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
    if scope["path"] in ("/wait", "/piecemeal"):
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    body = await Request(scope, receive).body()
    content = b"x" * 20_000_000 if scope["path"] == "/large" else str(len(body)).encode()
    await Response(content)(scope, receive, send)


@contextmanager
def served(bounds: Bounds = QUICK) -> Iterator[tuple[BoundedServer, int]]:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        server = BoundedServer(echo, bounds)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield server, port
        finally:
            server.should_exit = True
            thread.join()


def opened(port: int, *sent: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    for one in sent:
        client.sendall(one)
    return client


def all_of(client: socket.socket) -> bytes:
    with client, suppress(ConnectionResetError):
        return b"".join(iter(lambda: client.recv(65536), b""))
    return b""


def test_headers_that_do_not_come_are_not_waited_for() -> None:
    with served() as (_server, port):
        silent, trickling = opened(port), opened(port, b"GET / HTTP/1.1\r\nHost: a\r\nX-a:")
        assert all_of(silent) == all_of(trickling) == b""


def test_headers_of_a_second_request_are_not_waited_for_either() -> None:
    with served() as (_server, port):
        client = opened(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET / HT")
        assert all_of(client).startswith((b"", b"0"))


def test_a_body_that_does_not_come_is_told_so() -> None:
    with served() as (_server, port):
        client = opened(port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
        head, _, body = all_of(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408") and b"connection: close" in head
    assert json.loads(body)["detail"] == "La demande n'est pas arrivée entière à temps."


def test_an_answer_that_is_not_read_is_not_kept() -> None:
    with served() as (server, port):
        client = opened(port, b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        end = time.monotonic() + 10
        while not server.server_state.total_requests and time.monotonic() < end:
            time.sleep(0.05)
        while server.server_state.connections and time.monotonic() < end:
            time.sleep(0.05)
        assert not server.server_state.connections
        assert len(all_of(client)) < 20_000_000


def test_a_quick_client_is_served_whole() -> None:
    with served() as (_server, port), requests.Session() as http:
        assert len(http.get(f"http://127.0.0.1:{port}/large").content) == 20_000_000
        assert http.post(f"http://127.0.0.1:{port}/", data=b"a" * 300_000).text == "300000"


def test_the_head_of_an_answer_comes_with_its_body() -> None:
    with served() as (_server, port), opened(port) as client:
        for _request in range(20):
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"\r\n\r\n0")


def test_what_there_is_of_an_answer_is_sent_while_the_rest_is_made() -> None:
    with served() as (_server, port), opened(port) as client:
        client.sendall(b"GET /piecemeal HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200") and b"begun" in answer


def test_slow_clients_push_each_other_out_and_nobody_else() -> None:
    with served(Bounds(connections=5)) as (server, port):
        slow = [opened(port, b"GET / HTTP/1.1\r\nX-a:") for _ in range(30)]
        for _ in range(20):
            assert requests.get(f"http://127.0.0.1:{port}/", timeout=5).status_code == 200
        assert len(server.server_state.connections) <= 5
        for one in slow:
            one.close()


def test_who_finds_no_room_is_asked_to_come_back() -> None:
    asked = b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"
    with served(Bounds(connections=1)) as (server, port), opened(port, asked):
        while not server.server_state.tasks:
            time.sleep(0.01)
        refused = all_of(opened(port))
    assert refused.startswith(b"HTTP/1.1 503") and b"retry-after: 5\r\n" in refused


def test_a_log_holds_back_what_repeats_and_says_how_much(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("essai.lignes")
    spare = Sparing(most=3)
    logger.addFilter(spare)
    for _ in range(1000):
        logger.warning("socket.accept() out of %s", "resource")
    said = len(caplog.messages)
    assert 3 <= said <= 6  # a minute may end meanwhile
    spare.minute -= 1
    logger.warning("again")
    assert "lines were held back before" in caplog.messages[-1]


def test_connections_take_half_of_the_files_at_most() -> None:
    resource = pytest.importorskip("resource", reason="Windows has no limit of files")
    assert connections_here(10) == 10
    assert connections_here() <= max(1, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_the_process_ends_although_a_computation_does_not(told: int, tmp_path: Path) -> None:
    code = (
        "import socket, time\n"
        "from starlette.concurrency import run_in_threadpool\n"
        "from geoguichet.portal.serving.bounds import BoundedServer, Bounds\n"
        "async def app(scope, receive, send):\n"
        "    if scope['type'] == 'http':\n"
        "        print('begun', flush=True)\n"
        "        await run_in_threadpool(time.sleep, 60)\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "print(listener.getsockname()[1], flush=True)\n"
        "BoundedServer(app, Bounds(stop_s=1)).run(sockets=[listener])\n"
    )
    command = [sys.executable, "-c", code]
    with (
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ
        ) as process
    ):  # fmt: skip
        assert process.stdout is not None
        with opened(int(process.stdout.readline()), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"):
            assert process.stdout.readline() == "begun\n"
            process.send_signal(told)
            process.wait(timeout=20)
