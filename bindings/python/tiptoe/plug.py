# SPDX-License-Identifier: Apache-2.0
"""Finds devices that are not built in: what `--dut` and `tiptoe.Device` take besides `model`, `rtl` and `lockstep`.

    ./libmine.so            a shared object with the C ABI of tiptoe/dut_abi.h
    ./mine.py:Mine          a Python class in a file (see tiptoe.Dut)
    package.module:Mine     a Python class in a module
    linux                   a device that the package ships (tiptoe/devices/linux.so)

What such a device has is said by a capability file: the one that is named, or the one with the same stem beside it
(libmine.yaml, mine.yaml), or the attribute `capabilities` of a Python class (a mapping with the same keys). Without one
it is all that the table of the shared object has, or all methods that the class overrides.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from . import capabilities as capability_file
from . import catalogue
from ._errors import DeviceError, TiptoeError, _story

_ELF = b"\x7fELF"  # how a shared object begins

BUILT_IN = ("model", "rtl", "lockstep")
SHIPPED = Path(__file__).parent / "devices"

_LEVEL_0 = ("reset", "inject", "poll_output", "advance", "now_us")

_METHODS = {
    "listen": "open_passive",
    "open": "open_active",
    "accept": "accept",
    "send": "send",
    "receive": "receive",
    "close": "close",
    "half_close": "close",
    "abort": "abort",
    "status": "status",
    "state": "status",
    "set_options": "set_options",
    "notifications": "poll_notification",
}


@dataclass(frozen=True)
class Found:
    """A device before it is made."""

    kind: str  #: as in reports
    library: str  #: path of the shared object; "" for a Python device
    device: Any  #: the Python device
    capabilities: dict[str, Any]


def shipped() -> list[str]:
    """Names of the devices that came with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.so"))


def is_shared_object(kind: str) -> bool:
    """True when that text is the path of a shared object."""
    return kind.endswith(".so") or ".so." in Path(kind).name or (os.sep in kind and ":" not in kind)


def find(kind: Any, arguments: str = "", capabilities: str | Path | Mapping[str, Any] | None = None) -> Found:
    """Finds it. Raises `DeviceError` with one sentence when there is no such thing, `UsageError` for its
    capability file."""
    if not isinstance(kind, str):
        return _python(kind, str(getattr(kind, "name", type(kind).__name__)), None, capabilities)
    if is_shared_object(kind):
        return _library(kind, Path(kind), capabilities)
    if ":" in kind:
        found, beside = _class(kind)
        try:
            device = found(arguments) if arguments else found()
        except TiptoeError:
            raise
        except (Exception, SystemExit) as e:
            raise DeviceError(f"the device {kind} could not be made: {_told(e)}") from e
        return _python(device, kind, beside, capabilities)
    if kind in shipped():
        return _library(kind, SHIPPED / f"{kind}.so", capabilities)
    if Path(kind).is_file():
        return _library(kind, Path(kind), capabilities)
    names = [*BUILT_IN, *shipped()]
    near = catalogue.suggestion(kind, names).rstrip("?") or f"; there are {', '.join(names)}"
    raise DeviceError(f"no device '{kind}'{near}; one of your own is a path: ./mine.so, or ./mine.py:Class")


def _told(error: BaseException) -> str:
    """On one line, with the line of the device that raised it; none when that is the call itself."""
    trace = error.__traceback__
    frames = traceback.extract_tb(trace)
    theirs = bool(frames) and frames[-1].filename != __file__ and not frames[-1].filename.startswith("<")
    return _story(error, trace if theirs else None)


def _library(kind: str, path: Path, given: str | Path | Mapping[str, Any] | None) -> Found:
    if not path.exists():
        raise DeviceError(f"the device {path} does not exist")
    if path.is_dir():
        raise DeviceError(f"the device {path} is a folder; a device is a shared object in it, or FILE.py:CLASS")
    try:
        with path.open("rb") as file:
            magic = file.read(len(_ELF))
    except OSError as e:
        raise DeviceError(f"the device {path} cannot be read: {e.strerror}") from e
    if path.suffix == ".py":
        raise DeviceError(f"the device {path} is a Python file: name its class, too, {path}:CLASS")
    if magic != _ELF:
        raise DeviceError(f"the device {path} is no shared object (ELF file); compile it with -shared -fPIC")
    return Found(kind, str(path), None, _capabilities(given, path.with_suffix(".yaml")))


def _capabilities(given: str | Path | Mapping[str, Any] | None, beside: Path | None) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return capability_file.check(dict(given), "capabilities")
    if given:
        return capability_file.read(Path(given))
    if beside is not None and beside.exists():
        return capability_file.read(beside)
    return {}


def load_class(kind: str) -> Any:
    """The class that "FILE.py:CLASS" or "package.module:CLASS" names. Raises `DeviceError` when there is none."""
    return _class(kind)[0]


def _class(kind: str) -> tuple[Any, Path | None]:
    """The class, and where its capability file would be."""
    place, _, name = kind.rpartition(":")
    if not place or not name:
        raise DeviceError(f"the device '{kind}' lacks its {'file' if not place else 'class'}: FILE.py:CLASS")
    in_file = place.endswith(".py") or os.sep in place
    if in_file and not Path(place).is_file():
        raise DeviceError(f"the device {kind}: there is no file {place}")
    try:
        module = _load_file(Path(place)) if in_file else _load_module(place)
    except (Exception, SystemExit) as e:
        raise DeviceError(f"the device {kind}: {place} cannot be imported: {_told(e)}") from e
    found = getattr(module, name, None)
    if not callable(found):
        classes = [n for n, v in vars(module).items() if isinstance(v, type)]
        raise DeviceError(f"the device {kind}: {place} has no class {name}{catalogue.suggestion(name, classes)}")
    file = getattr(module, "__file__", None)
    return found, Path(file).with_suffix(".yaml") if file else None


def _load_file(path: Path) -> ModuleType:
    name = f"_tiptoe_device_{path.stem}"  # nobody else's
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses look it up
    loader.exec_module(module)
    return module


def _load_module(name: str) -> ModuleType:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as `python -m` does
    return importlib.import_module(name)


def _python(device: Any, kind: str, beside: Path | None, given: str | Path | Mapping[str, Any] | None) -> Found:
    lacking = [method for method in _LEVEL_0 if not _overrides(device, method)]
    if lacking:
        raise DeviceError(f"the device {kind} lacks what every device has (level L0): {', '.join(lacking)}")
    try:
        own = getattr(device, "capabilities", None)
    except Exception as e:
        raise DeviceError(f"the device {kind} cannot say its capabilities: {_told(e)}") from e
    if given is None and own is not None and not (beside is not None and beside.exists()):
        capabilities = capability_file.check(own, f"capabilities of {type(device).__name__}")
    else:
        capabilities = _capabilities(given, beside)
    has = [call for call, method in _METHODS.items() if _overrides(device, method)]
    if not getattr(device, "user_calls", True) and not capabilities.get("calls_promised"):
        has = []
    if capabilities.get("calls_promised"):
        lacking = [call for call in capabilities["calls"] if call not in has]
        if lacking:
            raise DeviceError(
                f"the device {kind} lacks calls that its capability file promises under `calls`: "
                + ", ".join(f"{call} ({_METHODS[call]})" for call in lacking)
                + "; write these methods or take the calls out of the file"
            )
    else:
        capabilities = {**capabilities, "calls": has}
    if not _overrides(device, "counter"):
        capabilities = {**capabilities, "all_counters": False}
    capabilities.setdefault("name", str(getattr(device, "name", kind)))
    return Found(kind, "", device, capabilities)


def _overrides(device: Any, method: str) -> bool:
    from .dut import Dut

    mine = getattr(type(device), method, None) or getattr(device, method, None)
    return mine is not None and mine is not getattr(Dut, method)
