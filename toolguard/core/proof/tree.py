"""The Merkle tree of RFC 6962 over the hashes of audit events: roots that grow, and proofs for outsiders.

A frontier holds one hash for each set bit of the size, the largest subtree first; it is all that is needed to append.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


def leaf(row_hash: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + row_hash).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree of `size` leaves."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def append(self, row_hash: bytes) -> Frontier:
        hashes = [*self.hashes, leaf(row_hash)]
        carry = self.size
        while carry & 1:
            right = hashes.pop()
            hashes.append(node(hashes.pop(), right))
            carry >>= 1
        return Frontier(self.size + 1, tuple(hashes))

    @property
    def root(self) -> bytes:
        """Of the whole tree; of no leaves it is the hash of nothing (RFC 6962 section 2.1)."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = node(left, root)
        return root


def _largest_power_below(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)


def _subtree(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = _largest_power_below(len(leaves))
    return node(_subtree(leaves[:split]), _subtree(leaves[split:]))


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from the leaf at `index` to the root over all `leaves` (RFC 6962 section 2.1.1)."""
    if len(leaves) == 1:
        return []
    split = _largest_power_below(len(leaves))
    if index < split:
        return [*inclusion_proof(leaves[:split], index), _subtree(leaves[split:])]
    return [*inclusion_proof(leaves[split:], index - split), _subtree(leaves[:split])]


def includes(root: bytes, size: int, index: int, leaf_hash: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the leaf stands at `index` of the tree with this root (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    here, last, found = index, size - 1, leaf_hash
    for step in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node(step, found)
            while not here & 1 and here:
                here >>= 1
                last >>= 1
        else:
            found = node(found, step)
        here >>= 1
        last >>= 1
    return last == 0 and found == root


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """The hashes that show that the tree of the first `old_size` leaves is a prefix (RFC 6962 section 2.1.2)."""
    return _consistency(leaves, old_size, whole=True) if 0 < old_size < len(leaves) else []


def _consistency(leaves: Sequence[bytes], old_size: int, *, whole: bool) -> list[bytes]:
    if old_size == len(leaves):
        return [] if whole else [_subtree(leaves)]
    split = _largest_power_below(len(leaves))
    if old_size <= split:
        return [*_consistency(leaves[:split], old_size, whole=whole), _subtree(leaves[split:])]
    return [*_consistency(leaves[split:], old_size - split, whole=False), _subtree(leaves[:split])]


def is_prefix(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the old tree is a prefix of the new one (RFC 9162 section 2.1.4.2)."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    here, last = old_size - 1, size - 1
    while here & 1:
        here >>= 1
        last >>= 1
    old_found = found = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            old_found, found = node(step, old_found), node(step, found)
            while not here & 1 and here:
                here >>= 1
                last >>= 1
        else:
            found = node(found, step)
        here >>= 1
        last >>= 1
    return last == 0 and old_found == old_root and found == root
