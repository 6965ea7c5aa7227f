# SPDX-License-Identifier: Apache-2.0
"""Version of the package, from its metadata; of the extension module when the package is not installed."""

from __future__ import annotations

from importlib import metadata

from . import _core


def _version() -> str:
    try:
        return metadata.version("tiptoe")
    except metadata.PackageNotFoundError:
        return _core.VERSION


__version__ = _version()
