"""The Merkle tree of RFC 6962 and its proofs, honest and forged."""

from __future__ import annotations

import hashlib

import pytest

from toolguard.core.proof.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    includes,
    inclusion_proof,
    is_prefix,
    leaf,
)

# The leaves that the reference implementation of Certificate Transparency uses, and its roots by size.
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = range(1, 25)


def rows(count: int) -> list[bytes]:
    return [hashlib.sha256(bytes([n])).digest() for n in range(count)]


def grown(count: int) -> Frontier:
    frontier = Frontier()
    for row in rows(count):
        frontier = frontier.append(row)
    return frontier


def test_roots_are_those_of_certificate_transparency() -> None:
    frontier = Frontier()
    assert frontier.root == EMPTY_ROOT
    for data, root in zip(INPUTS, ROOTS, strict=True):
        frontier = frontier.append(data)
        assert frontier.root.hex() == root


@pytest.mark.parametrize("size", SIZES)
def test_every_event_is_proved_and_no_changed_proof_passes(size: int) -> None:
    leaves = [leaf(row) for row in rows(size)]
    root = grown(size).root
    for index in range(size):
        proof = inclusion_proof(leaves, index)
        assert includes(root, size, index, leaves[index], proof)
        assert not includes(root, size, index, leaf(b"other"), proof)
        assert not includes(root, size, index, leaves[index], [*proof, proof[-1] if proof else root])
        assert not includes(root, size, size, leaves[index], proof)
        for position in range(len(proof)):
            flipped = bytes([proof[position][0] ^ 1]) + proof[position][1:]
            assert not includes(root, size, index, leaves[index], [*proof[:position], flipped, *proof[position + 1 :]])
            assert not includes(root, size, index, leaves[index], [*proof[:position], *proof[position + 1 :]])


@pytest.mark.parametrize("size", SIZES)
def test_every_older_log_is_proved_a_prefix_and_no_changed_proof_passes(size: int) -> None:
    leaves = [leaf(row) for row in rows(size)]
    root = grown(size).root
    for old_size in range(1, size + 1):
        old_root = grown(old_size).root
        proof = consistency_proof(leaves, old_size)
        assert is_prefix(old_size, old_root, size, root, proof)
        assert not is_prefix(old_size, leaf(old_root), size, root, proof)
        assert not is_prefix(old_size, old_root, size, leaf(root), proof)
        assert not is_prefix(old_size, old_root, size, root, [*proof, root])
        if old_size < size:
            assert not is_prefix(old_size, root, size, old_root, proof)
            assert not is_prefix(old_size, old_root, size, root, proof[:-1])
        for position in range(len(proof)):
            flipped = bytes([proof[position][0] ^ 1]) + proof[position][1:]
            forged = [*proof[:position], flipped, *proof[position + 1 :]]
            assert not is_prefix(old_size, old_root, size, root, forged)


@pytest.mark.parametrize(("old_size", "size"), [(0, 5), (6, 5), (-1, 5)])
def test_an_impossible_size_proves_nothing(old_size: int, size: int) -> None:
    assert not is_prefix(old_size, grown(1).root, size, grown(5).root, [])
