"""Who sends a request: from which network, and in which language he is answered."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope

from vtw_core.errors import InputError

from ..words.language import FIRST, LANGUAGES

VARIABLE = "FORWARDED_ALLOW_IPS"
"""The proxies that are believed; uvicorn reads it, and takes the visitor's address from them."""
# Whoever reaches a Space comes through proxies of theirs, which connect from networks like these
# and from the same machine; nobody else can.
_OF_SPACES = "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,fc00::/7"


def trusted_proxies(environment: Mapping[str, str] = os.environ) -> str:
    """What the variable should say: by default nobody is believed, on Spaces the Spaces' proxies.

    Raises:
        InputError: it names anything but addresses and networks.
    """
    default = _OF_SPACES if "SPACE_ID" in environment else ""
    told = environment.get(VARIABLE, default).strip()
    for one in _listed(told):
        try:
            ipaddress.ip_network(one, strict=False)
        except ValueError:
            raise InputError(
                "{variable} must be addresses or networks of proxies with commas between them, "
                "such as 127.0.0.1,10.0.0.0/8, not {found!r}.",
                variable=VARIABLE,
                found=one,
            ) from None
    # uvicorn takes a network with bits of a host in it for a name.
    return ",".join(str(ipaddress.ip_network(one, strict=False)) for one in _listed(told))


@dataclass(frozen=True)
class Networks:
    """Where visitors come from; a proxy's own address is nobody's.

    Attributes:
        proxies: networks whose word is believed.
    """

    proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    @classmethod
    def behind(cls, proxies: str) -> Networks:
        """Of the proxies that `trusted_proxies` names."""
        return cls(tuple(ipaddress.ip_network(one) for one in _listed(proxies)))

    def of(self, request: Any) -> str:
        """A request's network; of IPv6, where one household has 2**64 addresses, their part in
        common. Empty where a proxy did not say whom it speaks for."""
        return self.of_host(request.client.host if request.client else "")

    def of_scope(self, scope: Scope) -> str:
        """The same of an ASGI scope."""
        return self.of_host((scope.get("client") or ("",))[0])

    def of_host(self, host: str) -> str:
        """The same of an address."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return host[:100]
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        if any(address in proxy for proxy in self.proxies):
            return ""
        if isinstance(address, ipaddress.IPv4Address):
            return str(address)
        return str(ipaddress.ip_network((address, 64), strict=False))


def language_of(scope: Scope) -> str:
    """The code of the language of the page that a request comes from, as the browser tells it."""
    page = Headers(scope=scope).get("referer", "").partition("?")[0].rstrip("/").rpartition("/")[2]
    return language_at(page)


def language_at(page: str) -> str:
    """The code of the language whose page lies at that path."""
    codes = {one.path: code for code, one in LANGUAGES.items()}
    return codes.get(page, FIRST)


def _listed(proxies: str) -> list[str]:
    return [one for each in proxies.split(",") if (one := each.strip())]
