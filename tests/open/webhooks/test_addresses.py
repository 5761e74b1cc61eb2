"""No webhook calls into a network that only this machine should reach."""

import asyncio
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from pegbar.core.http.outgoing import Answer, BadAddress, Outgoing, checked_url, is_public, networks
from tests.open.webhooks.receiver import Receiver

INSIDE = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    "192.0.2.0/24", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32", "::/128", "::1/128",
    "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2001:db8::/32", "64:ff9b:1::/48",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::200e"]


@st.composite
def inside(draw: st.DrawFn) -> IPv4Address | IPv6Address:
    network = ip_network(draw(st.sampled_from(INSIDE)))
    number = draw(st.integers(int(network.network_address), int(network.broadcast_address)))
    return IPv4Address(number) if network.version == 4 else IPv6Address(number)


def carried(address: IPv4Address) -> list[IPv6Address]:
    """The ways in which IPv6 carries an IPv4 address."""
    number = int(address)
    return [
        IPv6Address(0xFFFF << 32 | number),  # mapped
        IPv6Address(number),  # compatible
        IPv6Address(0x2002 << 112 | number << 80),  # 6to4
        IPv6Address(0x0064FF9B << 96 | number),  # NAT64
        IPv6Address(0x20010000 << 96 | (~number & 0xFFFFFFFF)),  # Teredo
    ]


@given(inside())
def test_no_address_inside_is_called_however_it_is_written(address: IPv4Address | IPv6Address) -> None:
    assert not is_public(address)
    written = [address, *(carried(address) if isinstance(address, IPv4Address) else ())]
    for form in written:
        assert not is_public(form), form
        host = f"[{form}]" if form.version == 6 else str(form)
        with pytest.raises(BadAddress):
            checked_url(f"https://{host}/x", plain_http=True)
    assert is_public(address, networks([str(address)]))
    if isinstance(address, IPv4Address):
        assert all(is_public(form, networks([str(address)])) for form in carried(address))


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_internet_is_called(address: str) -> None:
    assert is_public(ip_address(address))
    host = f"[{address}]" if ":" in address else address
    assert str(checked_url(f"https://{host}/x?y=1#z", plain_http=False)) == f"https://{host}/x?y=1"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https:///path",
        "https://",
        "file:///etc/passwd",
        "gopher://example.com/",
        "//example.com/",
        "https://me@example.com/",
        "https://:word@example.com/",
        "https://example.com\\@127.0.0.1/",
        "https://example.com/\r\nhost: x",
        "https://[fe80::1%25eth0]/",
        "https://[::1",
        "https://example.com:0/",
        "https://127.1/",
        "https://2130706433/",
        "https://0/",
    ],
)
def test_what_is_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(BadAddress):
        checked_url(url, plain_http=False)


def call(url: str, *allowed: str) -> Answer:
    async def calling() -> Answer:
        outgoing = Outgoing(seconds=5, allowed=networks(allowed), at_once=1)
        try:
            return await outgoing.post(URL(url), b"{}", {"content-type": "application/json"})
        finally:
            await outgoing.close()

    return asyncio.run(calling())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_the_address_that_a_name_stands_for_is_looked_at_when_it_is_called(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", receiver.url)  # nor by a proxy that the environment names
    port = URL(receiver.url).port
    answer = call(f"http://{host}:{port}/hook")
    assert answer.status is None
    assert "PEGBAR_WEBHOOK_NETWORKS" in answer.error
    assert "127.0" not in answer.error
    assert receiver.got == []


def test_of_an_answer_only_its_beginning_is_read(receiver: Receiver) -> None:
    receiver.answer = lambda _: (200, {"www-authenticate": "Basic hush"}, b"x" * 10**6)
    answer = call(receiver.url, "127.0.0.0/8")
    assert (answer.status, answer.body) == (200, "x" * 8192)
    assert answer.headers["www-authenticate"] == "…"
    receiver.answer = lambda _: (302, {"location": receiver.url}, b"")
    assert not call(receiver.url, "127.0.0.1").is_success
    assert len(receiver.got) == 2
    nobody = call("http://127.0.0.1:1/", "127.0.0.1")
    assert (nobody.status, nobody.error) == (None, "it cannot be connected to")
