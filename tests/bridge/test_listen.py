"""`toolguard listen` and `connect` under one user: what the socket takes, and what ends when."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.bridge.conftest import House
from tests.proxy.process import until

BROKEN = {
    "nothing": b"",
    "another protocol": b"GET / HTTP/1.1\r\n\r\n",
    "an unknown server": b"toolguard/1 other\n",
    "no server": b"toolguard/1 \n",
    "a command": b"toolguard/1 files --config /tmp/mine.yaml\n",
    "a path": b"toolguard/1 ../files\n",
    "no text": b"toolguard/1 \xff\xfe\n",
    "a line without end": b"x" * 10_000,
    "a vote": b'{"vote": "approve"}\n',
}


@pytest.mark.parametrize("words", BROKEN)
def test_what_names_no_server_is_refused_and_others_are_served(house: House, words: str) -> None:
    with house.listening(os.getuid()) as listener:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(house.socket))
            connection.sendall(BROKEN[words])
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(30)
            answer = b""
            with contextlib.suppress(ConnectionResetError):  # it left without reading all of it
                while part := connection.recv(4_096):
                    answer += part

        assert not answer.startswith(b"ok")
        with house.client(os.getuid()) as client:
            client.start_session()
            client.call("safe_echo", 1, text="hello")
            assert b"hello" in (client.line() or b"")
        assert "Traceback" not in listener.errors


def test_a_conversation_passes_and_its_end_is_an_end(house: House) -> None:
    with house.listening(os.getuid()), house.client(os.getuid()) as client:
        client.start_session()
        client.call("safe_large", 1, size=3_000_000)
        assert len(client.receive()["result"]["content"][0]["text"]) == 3_000_000
        client.call("safe_die", 2)

        assert client.end() in (0, 1)
        assert client.rest() is not None


def test_when_the_listener_ends_its_proxies_end_and_the_socket_goes(house: House) -> None:
    with house.listening(os.getuid()) as listener, house.client(os.getuid()) as client:
        client.start_session()
        listener.popen.send_signal(signal.SIGTERM)

        assert listener.end() == 0
        assert client.rest() == []
        assert client.popen.wait(timeout=30) == 1
    assert not house.socket.exists()


def test_a_socket_that_a_killed_listener_left_is_replaced(house: House) -> None:
    with house.listening(os.getuid()) as listener:
        listener.popen.kill()
        listener.popen.wait()
    assert house.socket.exists()

    with house.listening(os.getuid()), house.client(os.getuid()) as client:
        client.start_session()


def test_two_do_not_listen_at_one_place(house: House) -> None:
    words = ("listen", "--socket", str(house.socket), "--user", str(os.getuid()))
    with house.listening(os.getuid()):
        ran = house.toolguard(os.getuid(), *words)

    assert ran.returncode == 2
    assert "another program listens here" in ran.stderr


def test_where_others_could_replace_the_socket_it_is_not_made(house: House) -> None:
    house.socket.parent.chmod(0o777)

    ran = house.toolguard(os.getuid(), "listen", "--socket", str(house.socket), "--user", str(os.getuid()))

    assert ran.returncode == 2
    assert "others can write this folder" in ran.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--user", "nobody-of-that-name"), "no user"),
        (("--user", "1", "--socket", "/nonexistent/a.sock"), "no folder for the socket"),
        ((), "--user"),
    ],
)
def test_a_listener_that_cannot_start_says_why(house: House, words: tuple[str, ...], why: str) -> None:
    ran = house.toolguard(os.getuid(), "listen", *words)

    assert ran.returncode == 2
    assert why in ran.stderr


def test_without_a_listener_the_client_is_told(house: House) -> None:
    ran = house.toolguard(os.getuid(), "connect", "--socket", str(house.socket), "files")

    assert ran.returncode == 1
    assert "nobody answers" in ran.stderr
    assert "toolguard listen" in ran.stderr


def test_the_descriptors_of_one_connection_do_not_reach_another(house: House) -> None:
    with house.listening(os.getuid()) as listener, house.client(os.getuid()) as first:
        first.start_session()
        with house.client(os.getuid()) as second:
            second.start_session()
            assert second.end() == 0
        first.call("safe_echo", 1, text="still here")
        assert b"still here" in (first.line() or b"")
        assert first.end() == 0
        descriptors = Path(f"/proc/{listener.popen.pid}/fd")
        until(lambda: len(list(descriptors.iterdir())) <= 8, "the end of the connections' descriptors")
