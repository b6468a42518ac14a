"""Classes of names that tables of commands speak of: what is thrown away by custom, what stays on this machine."""

from __future__ import annotations

import re
from typing import Final

from toolguard.core.urls import host_place

_MARKS: Final = re.compile(r"[^a-z0-9]+")
_TEST: Final = frozenset("test tests testing tmp temp scratch throwaway ephemeral".split())
_REAL: Final = frozenset("prod production live prd staging main master customer customers".split())
_SHARED: Final = frozenset(
    "main master trunk develop development dev release releases prod production live staging stable default head".split()
)


def is_in(kind: str, name: str) -> bool:
    """Whether a name belongs to a class: one of those at the end of this file."""
    return _CLASSES[kind](name)


def _is_test(name: str) -> bool:
    """`shop_test`, `shop.settings.test`: made for tests, and made again by them; a part of the name says so."""
    parts = set(_MARKS.split(name.lower()))
    return bool(parts & _TEST) and not parts & _REAL


def _is_branch(name: str) -> bool:
    """A branch of one piece of work: named, and not one that everybody builds on."""
    name = name.lower().removeprefix("head:")
    if not re.fullmatch(r"[\w.#/-]+", name) or name.startswith("-"):
        return False  # `+branch`, `here:there`, `HEAD~1`, `@`
    return _SHARED.isdisjoint(name.replace("-", "/").split("/"))


def _is_here(host: str) -> bool:
    """Nothing but this machine: localhost or a loopback address, alone, with a port, or in a URL."""
    rest = host.partition("://")[2] or host
    rest = rest.partition("/")[0].partition("?")[0]
    if "@" in rest:
        return False
    if rest.startswith("["):
        return rest.partition("]")[0][1:] == "::1"
    if rest.startswith("0"):
        return False  # 0.0.0.0 as an address to listen at is every address of the machine
    return rest == "::1" or host_place(rest.partition(":")[0].lower()) == "loopback"


_FIELD: Final = re.compile(r"\.([a-z]\w*)")  # .metadata.name
_SHOWN: Final = frozenset("items metadata name namespace type creationtimestamp kind".split())


def _is_listing(form: str) -> bool:
    """A form of output of kubectl that holds names and kinds, and nothing of the content."""
    fields = _FIELD.findall(form)
    return form in ("name", "wide") or ("name" in fields and _SHOWN.issuperset(fields) and ".." not in form)


_LOCAL_CLUSTERS: Final = re.compile(
    r"(?:kind-|k3d-|minikube|docker-desktop|rancher-desktop|colima|orbstack|microk8s)[\w-]*$"
)


def _is_local_cluster(context: str) -> bool:
    """The names that clusters inside this machine get by themselves."""
    return _LOCAL_CLUSTERS.match(context) is not None


_CLASSES: Final = {
    "test": _is_test,
    "branch": _is_branch,
    "here": _is_here,
    "listing": _is_listing,
    "local-cluster": _is_local_cluster,
}
