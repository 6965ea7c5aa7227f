# SPDX-License-Identifier: Apache-2.0
"""packetdrill scripts in virtual time, on any device with user calls. Command: `tiptoe pkt`; guide: docs/pkt.md.

Example:

    script = tiptoe.pkt.parse(Path("handshake.pkt").read_bytes(), "handshake.pkt")
    result = tiptoe.pkt.run(script, tiptoe.Device("model", connections=16, rx_buffer_log2=16, tx_buffer_log2=16))
    result.verdict, result.line, result.message
"""

from .config import Config
from .origin import guess
from .parser import parse
from .profile import Profile, profiles
from .require import Abilities
from .result import PktResult
from .syntax import PktSyntaxError, Script
from .work import abilities_of, run

__all__ = [
    "Abilities",
    "Config",
    "PktResult",
    "PktSyntaxError",
    "Profile",
    "Script",
    "abilities_of",
    "guess",
    "parse",
    "profiles",
    "run",
]
