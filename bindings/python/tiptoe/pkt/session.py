# SPDX-License-Identifier: Apache-2.0
"""From a script to its result: what it needs, the run, and every way in which that can end."""

from __future__ import annotations

import time as wall

from .._core import Device
from .._enums import Verdict
from .._errors import DeviceError, DeviceHang, Divergence, Inapplicable
from . import require
from .calls import ScriptError
from .config import Config
from .host import WrongOctets
from .play import Player
from .profile import Profile
from .require import Abilities
from .result import Failure, OwnWay, PktResult
from .symbols import UnknownSymbol
from .syntax import PktSyntaxError, Script

_BLOCKS = (
    "the peer's SACK blocks decide what is sent again, which needs selective acknowledgment (RFC 2018); the device "
    "does not have it"
)


def play(
    device: Device,
    script: Script,
    profile: Profile,
    abilities: Abilities,
    config: Config,
    *,
    reduced: bool = False,
    seed: int = 1,
) -> PktResult:
    """Runs a script and says what came of it. Only what a device breaks down with is raised."""
    begin = wall.monotonic()
    result = PktResult(script.path, Verdict.PASS, profile=profile.name)
    verdicts = require.check(script, config, profile, abilities, reduced)
    result.left_out = verdicts.left_out
    if verdicts.reasons:
        first = verdicts.reasons[0]
        result.verdict = Verdict.INAPPLICABLE
        result.line, result.reason = first.line, first.text
        result.all_reasons = [(r.line, r.text) for r in verdicts.reasons]
        return result
    player = Player(device, script, profile, config, verdicts, abilities, seed)
    try:
        player.run()
    except Failure as e:
        if player.blocks_line is not None and e.is_about_sending:
            result.verdict = Verdict.INAPPLICABLE
            result.line, result.reason = player.blocks_line, _BLOCKS
            result.all_reasons = [
                (player.blocks_line, _BLOCKS),
                (e.line, f"from here on the device differs: {e.reason}"),
            ]
            return _finished(result, script, device, player, begin)
        result.verdict = Verdict.FAIL
        result.line, result.reason = e.line, e.reason
        result.expected, result.got, result.differences = e.expected, e.got, e.differences
    except OwnWay as e:
        result.verdict = Verdict.INAPPLICABLE
        result.line, result.reason = player.line, str(e)
        result.all_reasons = [(player.line, str(e))]
    except WrongOctets as e:
        result.verdict = Verdict.FAIL
        result.line, result.reason = player.line, f"the device delivered wrong octets: {e}"
    except Inapplicable as e:
        result.verdict = Verdict.INAPPLICABLE
        result.line, result.reason = player.line, f"needs {str(e).removeprefix('needs ')}"
        result.all_reasons = [(player.line, str(e))]
    except (ScriptError, UnknownSymbol) as e:
        result.verdict = Verdict.ERROR
        result.line, result.reason = player.line, str(e)
    except PktSyntaxError as e:
        result.verdict = Verdict.ERROR
        result.line, result.reason = e.line, e.message
    except (DeviceHang, Divergence) as e:
        result.verdict = Verdict.FAIL
        result.line, result.reason = (
            player.line,
            f"{'the device hung' if isinstance(e, DeviceHang) else 'model and RTL differ'}: {e}",
        )
    except DeviceError as e:
        result.verdict = Verdict.ERROR
        result.line, result.reason = player.line, f"the device refused: {e}"
    return _finished(result, script, device, player, begin)


def _finished(result: PktResult, script: Script, device: Device, player: Player, begin: float) -> PktResult:
    """With what there is to tell of the run."""
    if result.verdict is not Verdict.PASS and result.line is not None:
        event = next((e for e in script.events if e.line == result.line), None)
        result.source = script.source(event) if event is not None else ""
    if result.verdict is not Verdict.PASS:
        result.ladder = player.ladder
    result.notes = player.notes
    result.trailing = player.trailing if result.verdict is Verdict.PASS else ""
    if not device.closed:
        result.virtual_us = player.now
        result.cycles = device.cycles
        result.frames = tuple(device.take_frames())
    result.wall_seconds = wall.monotonic() - begin
    return result
