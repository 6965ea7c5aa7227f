# SPDX-License-Identifier: Apache-2.0
"""The command `tiptoe`. Documented in docs/cli.md."""

from __future__ import annotations

import contextlib
import importlib
import signal
import sys
from collections.abc import Sequence
from typing import Any

import click

from ._errors import TiptoeError

#: Subcommand -> first line of its help. The module tiptoe.commands.<name> (- is _) is imported when it is used.
COMMANDS = {
    "run": "Run cases on a device and judge it.",
    "list": "List the cases with the rules they check.",
    "explain": "Explain a rule or a case.",
    "pkt": "Run packetdrill scripts in virtual time.",
    "serve": "Put the device behind a Linux TUN interface, in real time.",
    "pair": "Two devices as each other's peers over an impaired link.",
    "soak": "Random traffic in lockstep until model and RTL differ.",
    "bench": "Measure speeds.",
    "new-dut": "Write the folder of a new device: adapter, capability file, build, CI.",
}

INTERRUPTED = 130


class _Group(click.Group):
    """Loads subcommands when they are used: `tiptoe explain` need not wait for what `tiptoe serve` imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"tiptoe.commands.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from ._version import __version__

        click.echo(f"tiptoe {__version__}")
        ctx.exit()


def _print_include(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from .new_dut import INCLUDE

        click.echo(INCLUDE)
        ctx.exit()


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
@click.option(
    "--include",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_include,
    help="Show the folder of the headers for devices (tiptoe/dut_abi.h).",
)
def cli() -> None:
    """Does this TCP follow the RFCs? Conformance suite, golden model and engine."""


def _terminated(number: int, _: Any) -> None:
    raise SystemExit(128 + number)


def _show(error: click.ClickException) -> None:
    """One line, as all other mistakes are told."""
    message = error.format_message()
    context = getattr(error, "ctx", None)
    if "\n" in message:  # a whole page of help
        error.show()
    elif context is None:
        print(f"tiptoe: {message}", file=sys.stderr)
    else:
        path = context.command_path
        print(f"{path}: {message.rstrip('.')} ({path} --help)", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point. Returns 0 conforms, 1 violates, 2 could not run, 130 interrupted."""
    with contextlib.suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGTERM, _terminated)
    try:
        code = cli.main(args=arguments, prog_name="tiptoe", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as e:
        return e.exit_code
    except click.Abort:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except click.ClickException as e:
        _show(e)
        return 2
    except (TiptoeError, OSError) as e:
        print(f"tiptoe: {e}", file=sys.stderr)
        return 2
