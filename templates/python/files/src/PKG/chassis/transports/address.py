"""Whose address a request comes from, behind proxies that are trusted."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
_IPV6_PREFIX = 64
_WITH_PORT = re.compile(r"\[([^]]*)](?::[0-9]+)?|([0-9.]+):[0-9]+")


def client_key(
    peer: str, forwarded: Sequence[str], trusted: Iterable[IPv4Network | IPv6Network]
) -> str:
    """Return what stands for the client: an IPv4 address, or the /64 of an IPv6 one.

    `forwarded` are the X-Forwarded-For lines. They are read from the right, each hop as long as
    the one that names it is trusted: what a client writes there itself is never reached.
    """
    address = _parse(peer)
    if address is None:
        return peer
    trusted = tuple(trusted)
    hops = [hop.strip() for line in forwarded for hop in line.split(",") if hop.strip()]
    for hop in reversed(hops):
        if not any(address in network for network in trusted):
            break
        named = _parse(hop)
        if named is None:
            break
        address = named
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address, _IPV6_PREFIX), strict=False))


@lru_cache
def _parse(text: str) -> Address | None:
    """Return the address in `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]` or `[::1]:80`."""
    if match := _WITH_PORT.fullmatch(text):
        text = match[match.lastindex or 0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
