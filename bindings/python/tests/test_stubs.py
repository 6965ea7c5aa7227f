# SPDX-License-Identifier: Apache-2.0
"""The stubs and the extension module say the same."""

from __future__ import annotations

import ast
from pathlib import Path

import tiptoe
from tiptoe import _core

STUBS = ast.parse((Path(tiptoe.__file__).parent / "_core.pyi").read_text())


def members(nodes: list[ast.stmt]) -> set[str]:
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def public(thing: object) -> set[str]:
    return {n for n in dir(thing) if not n.startswith("_")}


def test_the_module() -> None:
    in_stubs = {n for n in members(STUBS.body) if not n.startswith("_")} - {"Octets", "Address", "Field"}
    assert in_stubs == public(_core)


def test_the_classes() -> None:
    classes = {node.name: node for node in STUBS.body if isinstance(node, ast.ClassDef)}
    for name, node in classes.items():
        if name.startswith("_"):
            continue
        expected = members(node.body)
        for base in node.bases:
            assert isinstance(base, ast.Name)
            expected |= members(classes[base.id].body)
        actual = getattr(_core, name)
        assert {n for n in expected if not n.startswith("_")} == public(actual), name
        for special in (n for n in expected if n.startswith("__")):
            assert hasattr(actual, special), f"{name}.{special}"


def test_everything_public_is_there() -> None:
    assert all(hasattr(tiptoe, name) for name in tiptoe.__all__)
    assert (Path(tiptoe.__file__).parent / "py.typed").exists()
