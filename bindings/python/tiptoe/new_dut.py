# SPDX-License-Identifier: Apache-2.0
"""Folders for new devices: templates of `templates/`, rendered. Documented in docs/new-dut.md (`tiptoe new-dut`).

    written = new_dut.write("mynic", "python", Path("."))
    written.path, written.files, written.device       # ./mynic, ("README.md", ...), "./mynic.py:Mynic"

What a template may use: `name` (mynic), `class_name` (Mynic), `upper` (MYNIC), `kind`, `device` (behind --dut, from
inside the folder), `version`. Marks are `@{ value }@`, `@% statement %@`, `@# comment #@`, because braces and
percent signs of all other kinds stand in the files themselves. NAME in a file's name is the device's.
"""

from __future__ import annotations

import keyword
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import catalogue, plug
from ._errors import UsageError
from ._version import __version__

#: Kind -> what it is. Each is a folder of templates; those of `common` are added.
KINDS = {
    "python": "a Python class",
    "c": "a shared object over the C ABI",
    "rtl": "a Verilated design with AXI4-Stream",
}

_TEMPLATES = Path(__file__).parent / "templates"
#: Headers for devices, in a folder `tiptoe`.
INCLUDE = Path(__file__).parent / "include"
_HEADERS = {"c": ("dut_abi.h",), "rtl": ("capabilities.hpp", "dut.hpp", "dut_abi.h", "dut_export.hpp")}

FRAMES = ("ip", "ethernet")
WIDEST = 1024

_LONGEST = 40
#: Names that mean something else in one of the languages of the templates, or to `tiptoe run --dut`.
_TAKEN = {
    *keyword.kwlist,
    *keyword.softkwlist,
    *plug.BUILT_IN,
    *("tiptoe", "device", "dut", "capabilities"),
}


@dataclass(frozen=True)
class Written:
    """A new folder."""

    path: Path
    files: tuple[str, ...]
    device: str  #: what stands behind --dut, from inside the folder
    builds: bool  #: it must be built before it runs


def check_name(name: str) -> None:
    """Raises `UsageError` with one sentence when no device can be called so."""
    problem = ""
    if not name:
        problem = "it is empty"
    elif not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        problem = "it becomes a name in C, Python and SystemVerilog: small letters, digits and _, a letter first"
    elif len(name) > _LONGEST:
        problem = f"it has {len(name)} characters, {_LONGEST} are allowed"
    elif _is_taken(name):
        problem = "that word is taken"
    if problem:
        near = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:_LONGEST]
        good = near if re.fullmatch(r"[a-z][a-z0-9_]*", near) and near != name else f"my_{near}" if near else "mydevice"
        good = f"my_{good}"[:_LONGEST] if _is_taken(good) else good
        raise UsageError(f"a device cannot be called {_quoted(name)}: {problem}. Try {good}")


def _quoted(name: str) -> str:
    return repr(name if len(name) <= 60 else name[:57] + "...")


def _is_taken(name: str) -> bool:
    return name in _TAKEN or name in plug.shipped() or name in _reserved_words()


def _reserved_words() -> frozenset[str]:
    """Words of C, C++ and SystemVerilog that are no names."""
    text = (_TEMPLATES / "reserved-words.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def write(name: str, kind: str, into: Path, *, width: int | None = None, frames: str | None = None) -> Written:
    """Writes the folder `into`/`name`; whole or not at all. For the kind rtl: `width` (bits per beat, default 64) and
    `frames` ("ip", the default, or "ethernet"). Raises `UsageError` with one sentence: bad name, unknown kind or
    option, something of that name is there already, not writable."""
    if kind not in KINDS:
        raise UsageError(f"no kind '{kind}' of device{catalogue.suggestion(kind, KINDS)}; there are {', '.join(KINDS)}")
    check_name(name)
    if kind != "rtl" and (width is not None or frames is not None):
        raise UsageError(f"{'--width' if width is not None else '--frames'} is for --kind rtl, not for {kind}")
    if width is not None and (not 8 <= width <= WIDEST or width % 8):
        raise UsageError(f"a beat of {width} bits cannot be had: --width is a multiple of 8, at most {WIDEST}")
    if frames is not None and frames not in FRAMES:
        raise UsageError(f"no frames '{frames}'{catalogue.suggestion(frames, FRAMES)}; there are {', '.join(FRAMES)}")
    target = into / name
    if into.exists() and not into.is_dir():
        raise UsageError(f"{target} cannot be made: {into} is no folder (--into)")
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target} is there already, and stays as it is: take another name or another folder (--into)")
    device = {"python": f"./{name}.py:{_class_name(name)}"}.get(kind, f"build/{name}.so")
    values = {
        "name": name,
        "class_name": _class_name(name),
        "upper": name.upper(),
        "kind": kind,
        "device": device,
        "version": __version__,
        "width": width or 64,
        "frames": frames or "ip",
    }
    try:
        into.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that renaming it is one step.
        draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=into))
    except OSError as e:
        raise UsageError(f"{target} cannot be made: {e.strerror}") from e
    try:
        files = tuple(sorted(_render(draft, kind, values)))
        draft.chmod(0o777 & ~_umask())
        os.rename(draft, target)
    except OSError as e:
        shutil.rmtree(draft, ignore_errors=True)
        raise UsageError(f"{target} cannot be written: {e.strerror}") from e
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return Written(target, files, device, builds=kind != "python")


def _class_name(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) or "Device"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _render(folder: Path, kind: str, values: dict[str, Any]) -> Iterator[str]:
    """Writes all files of a kind into the folder and gives their names."""
    import jinja2

    environment = jinja2.Environment(
        block_start_string="@%",
        block_end_string="%@",
        variable_start_string="@{",
        variable_end_string="}@",
        comment_start_string="@#",
        comment_end_string="#@",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,
    )
    for source in (_TEMPLATES / "common", _TEMPLATES / kind):
        for template in sorted(source.rglob("*.jinja")):
            text = environment.from_string(template.read_text(encoding="utf-8")).render(values)
            if not text.strip():  # a template that is all condition, and it does not hold
                continue
            name = str(template.relative_to(source).with_suffix("")).replace("NAME", values["name"])
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            if text.startswith("#!"):
                target.chmod(0o777 & ~_umask())
            yield name
    for header in _HEADERS.get(kind, ()):
        target = folder / "include" / "tiptoe" / header
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(INCLUDE / "tiptoe" / header, target)
        yield str(target.relative_to(folder))
