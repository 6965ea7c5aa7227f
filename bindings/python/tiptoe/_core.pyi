# SPDX-License-Identifier: Apache-2.0
"""Types of the extension module. The package `tiptoe` exports what is public."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

import numpy as np

from ._enums import CallStatus, Defect, EventKind, Flags, Notify, Role, State
from .dut import Dut

Octets: TypeAlias = bytes | bytearray | memoryview | np.ndarray[Any, Any] | Datagram
Address: TypeAlias = str | int | IPv4Address
Field: TypeAlias = int | str | bytes | IPv4Address | Options | None

VERSION: str
AT_ONCE: int
"""Stands for "no timer is needed": 1 ms of device time by default."""
ACK_DELAY_US: int
"""No ACK may be delayed by more: 500 000 us (RFC 9293 3.8.6.3, RFC 5681 4.2)."""

class Options:
    """TCP options as octets, with methods that return a longer one: `Options().mss(1460).nop().wscale(7)`."""

    def __init__(self, octets: Octets | None = None) -> None: ...
    def raw(self, octets: Octets) -> Options:
        """Appends anything."""
    def eol(self) -> Options: ...
    def nop(self) -> Options: ...
    def mss(self, value: int) -> Options:
        """Maximum segment size in octets (RFC 9293 3.2, kind 2)."""
    def wscale(self, shift: int) -> Options:
        """Window scale (RFC 7323, kind 3)."""
    def sack_permitted(self) -> Options:
        """RFC 2018, kind 4."""
    def sack(self, blocks: Sequence[tuple[int, int]]) -> Options:
        """RFC 2018, kind 5: (left edge, right edge) pairs."""
    def timestamps(self, value: int, echo: int) -> Options:
        """RFC 7323, kind 8: TSval, TSecr."""
    def unknown(self, kind: int, data: bytes = b"") -> Options:
        """Kind, length, data."""
    def pad(self, to: int, octet: int = 1) -> Options:
        """Up to `to` octets."""
    def items(self) -> list[tuple[int, bytes]]:
        """(kind, data) of every option; what follows a malformed one is left out."""
    def __bytes__(self) -> bytes: ...
    def __len__(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

class Segment:
    """One IPv4 datagram with one TCP segment: builds, parses, matches.

    Every field is optional. `build` puts the value of a correct sender in place of an absent one, matching ignores it.
    SEQ and ACK are taken modulo 2^32, so `seq=R - 1` is right for every R.
    """

    def __init__(
        self,
        *,
        src: Address | None = None,
        dst: Address | None = None,
        src_port: int | None = None,
        dst_port: int | None = None,
        seq: int | None = None,
        ack: int | None = None,
        flags: Flags | int | str | None = None,
        window: int | None = None,
        urgent: int | None = None,
        options: Options | Octets | None = None,
        mss: int | None = None,
        payload: Octets | None = None,
        data_offset: int | None = None,
        reserved: int | None = None,
        checksum: int | None = None,
        corrupt_checksum: bool = False,
        ip_version: int | None = None,
        ihl: int | None = None,
        tos: int | None = None,
        total_length: int | None = None,
        id: int | None = None,
        ip_reserved: bool | None = None,
        df: bool | None = None,
        mf: bool | None = None,
        fragment_offset: int | None = None,
        ttl: int | None = None,
        protocol: int | None = None,
        ip_checksum: int | None = None,
        corrupt_ip_checksum: bool = False,
        ip_options: Octets | None = None,
        trailer: Octets | None = None,
        flags_set: Flags | int | str | None = None,
        flags_clear: Flags | int | str | None = None,
    ) -> None: ...
    @staticmethod
    def parse(octets: Octets, *, strict: bool = False) -> Segment:
        """Takes any octets; what is wrong with them is in `defects` (strict: raises `SegmentError`)."""
    @staticmethod
    def from_form(form: str) -> Segment:
        """From the notation of the RFCs: "<SEQ=1000><ACK=1><CTL=SYN,ACK>"; also WND, UP, MSS and DATA (octets)."""
    def form(self, with_window: bool = False) -> str:
        """The notation of the RFCs."""
    def build(self) -> bytes:
        """The octets, IPv4 header first. Lengths and checksums are right unless overridden."""
    def __bytes__(self) -> bytes: ...
    def replace(self, **fields: Field) -> Segment:
        """A copy with other values; None makes a field absent."""
    def reply(self, **fields: Field) -> Segment:
        """Addresses and ports swapped, and these fields."""
    def fields(self) -> dict[str, Any]:
        """The fields that are present."""
    def differences(self, actual: Segment) -> list[str]:
        """One sentence per field that is present here and different there."""
    def matches(self, actual: Segment) -> bool: ...
    def has(self, flags: Flags | int) -> bool:
        """All these control bits are set."""
    @property
    def defects(self) -> list[tuple[Defect, str]]:
        """What `parse` found wrong, as (kind, sentence)."""
    @property
    def text_length(self) -> int:
        """Octets of text."""
    @property
    def seg_len(self) -> int:
        """SEG.LEN of RFC 9293 3.4: text, SYN and FIN."""
    @property
    def mss(self) -> int | None:
        """Value of the MSS option."""
    @property
    def src(self) -> str | None: ...
    @src.setter
    def src(self, value: Address | None) -> None: ...
    @property
    def dst(self) -> str | None: ...
    @dst.setter
    def dst(self, value: Address | None) -> None: ...
    src_port: int | None
    dst_port: int | None
    seq: int | None
    ack: int | None
    @property
    def flags(self) -> Flags | None: ...
    @flags.setter
    def flags(self, value: Flags | int | str | None) -> None: ...
    window: int | None
    urgent: int | None
    @property
    def options(self) -> Options | None: ...
    @options.setter
    def options(self, value: Options | Octets | None) -> None: ...
    @property
    def payload(self) -> bytes | None: ...
    @payload.setter
    def payload(self, value: Octets | None) -> None: ...
    data_offset: int | None
    reserved: int | None
    checksum: int | None
    corrupt_checksum: bool | None
    ip_version: int | None
    ihl: int | None
    tos: int | None
    total_length: int | None
    id: int | None
    ip_reserved: bool | None
    df: bool | None
    mf: bool | None
    fragment_offset: int | None
    ttl: int | None
    protocol: int | None
    ip_checksum: int | None
    corrupt_ip_checksum: bool | None
    @property
    def ip_options(self) -> bytes | None: ...
    @ip_options.setter
    def ip_options(self, value: Octets | None) -> None: ...
    @property
    def trailer(self) -> bytes | None: ...
    @trailer.setter
    def trailer(self, value: Octets | None) -> None: ...
    @property
    def flags_set(self) -> Flags | None: ...
    @flags_set.setter
    def flags_set(self, value: Flags | int | str | None) -> None: ...
    @property
    def flags_clear(self) -> Flags | None: ...
    @flags_clear.setter
    def flags_clear(self, value: Flags | int | str | None) -> None: ...

class Received(Segment):
    """A segment of the device that an expectation took."""

    @property
    def time_us(self) -> int:
        """Device time when its last octet crossed."""
    @property
    def cycle(self) -> int: ...

class Datagram:
    """One IPv4 datagram that crossed the device's network port. Has the buffer protocol: `memoryview(datagram)`."""

    def __init__(self, octets: Octets | Segment, time_us: int = 0, cycle: int = 0, to_device: bool = False) -> None: ...
    @property
    def octets(self) -> bytes:
        """IPv4 header first, no link header."""
    @property
    def time_us(self) -> int:
        """Device time when its last octet crossed."""
    @property
    def cycle(self) -> int:
        """Device clock cycle; 0 for devices without one."""
    @property
    def to_device(self) -> bool:
        """Direction."""
    @property
    def segment(self) -> Segment: ...
    def __bytes__(self) -> bytes: ...
    def __len__(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...

class Handle:
    """Opaque name of a listener or connection, valid until the device reports it closed."""

    def __init__(self, value: int) -> None: ...
    @property
    def value(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

class OpenArgs:
    """What an OPEN names; 0.0.0.0 and 0 are unspecified."""

    @property
    def local_ip(self) -> str: ...
    @property
    def local_port(self) -> int: ...
    @property
    def remote_ip(self) -> str: ...
    @property
    def remote_port(self) -> int: ...
    @property
    def backlog(self) -> int: ...
    @property
    def nodelay(self) -> bool: ...
    @property
    def keepalive(self) -> bool: ...
    @property
    def from_listener(self) -> Handle | None: ...

class CallResult:
    """Answer to a user call (RFC 9293 3.9.1); true when the status is OK."""

    def __init__(
        self,
        status: CallStatus,
        *,
        handle: Handle | None = None,
        length: int = 0,
        state: State = ...,
        readable: int = 0,
        room: int = 0,
        data: Octets | None = None,
    ) -> None: ...
    @property
    def status(self) -> CallStatus: ...
    @property
    def handle(self) -> Handle:
        """Created or accepted connection, or the listener."""
    @property
    def length(self) -> int:
        """Octets that a SEND was granted."""
    @property
    def state(self) -> State: ...
    @property
    def readable(self) -> int:
        """Octets ready for RECEIVE."""
    @property
    def room(self) -> int:
        """Octets that SEND would take."""
    @property
    def data(self) -> bytes:
        """What RECEIVE returned."""
    def __bool__(self) -> bool: ...

class Notification:
    """Asynchronous indication to the user (RFC 9293 3.9.1.8)."""

    def __init__(self, handle: Handle, flags: Notify | int, time_us: int = 0) -> None: ...
    @property
    def handle(self) -> Handle: ...
    @property
    def flags(self) -> Notify: ...
    @property
    def time_us(self) -> int: ...

class RetireRecord:
    """One event that the device has processed completely (docs/microarchitecture.md section 13)."""

    @property
    def order(self) -> int:
        """Gapless, from 0 after reset."""
    @property
    def kind(self) -> EventKind: ...
    @property
    def cycle(self) -> int: ...
    @property
    def time_us(self) -> int: ...
    @property
    def connection(self) -> int | None: ...
    @property
    def reason(self) -> int:
        """Why a segment was dropped, 0 otherwise."""
    @property
    def state(self) -> State: ...
    @property
    def sent(self) -> bool:
        """The event put a segment out."""
    @property
    def fields(self) -> dict[str, int]:
        """The connection afterwards, by field (docs/microarchitecture.md 8.3), as far as the device tells."""

class Device:
    """A device: a model, the RTL, both in lockstep, or one of your own (a `Dut`).

    One object is one simulation; several can live side by side, one thread at a time each. The GIL is released while
    the device runs. All times are microseconds of device time since reset, which passes inside `inject`, `settle`,
    `run_until_output`, `advance`, `exchange` and user calls alone.
    """

    def __init__(
        self,
        kind: str | Dut = "model",
        *,
        width: int = 64,
        connections: int = 64,
        listeners: int = 8,
        tx_buffer_log2: int = 14,
        rx_buffer_log2: int = 14,
        timer_scan: int = 4,
        random_stalls: bool = False,
        waves: str = "",
        seed: int = 1,
        settings: Mapping[str, int] = ...,
        record: bool = False,
        arguments: str = "",
        capabilities: str | Path | Mapping[str, Any] | None = None,
    ) -> None:
        """Makes the device and resets it.

        `kind`: "model", "rtl", "lockstep", the path of a shared object, "file.py:Class", "module:Class", the name of a
        device that the package ships, or an object of a class of yours. `arguments` is the text that a device of your
        own gets when it is made; `capabilities` a capability file or its contents (docs/plug-in.md).

        `width` is in bits, buffer sizes are log2 of octets. `settings` are registers by name
        (docs/microarchitecture.md section 12). `record` keeps every datagram in `frames`. Raises `DeviceError` for a
        device or parameter set that is not built in.
        """
    def __enter__(self) -> Device: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def shut_down(self) -> None:
        """Ends the simulation; later use raises `UsageError`."""
    @property
    def closed(self) -> bool: ...
    @property
    def kind(self) -> str:
        """ "model", "rtl", "lockstep", or the name of a `Dut`."""
    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str:
        """One line, with parameters."""
    def set_journal(self, fd: int) -> None:
        """The last events of every case go into this open file (layout: harness/include/tiptoe/journal.hpp)."""
    @property
    def user_calls(self) -> bool:
        """The device has level L1 of the contract."""
    @property
    def capabilities(self) -> dict[str, Any]:
        """What it has; the keys are those of a capability file."""
    @property
    def width(self) -> int:
        """Bits per beat."""
    @property
    def connections(self) -> int: ...
    def reset(self, seed: int = 1, **settings: int) -> None:
        """As after power-on; time restarts at 0."""
    def inject(self, datagram: Octets | Segment) -> None:
        """A datagram towards the device, which has accepted it when this returns."""
    def poll(self) -> Datagram | None:
        """The oldest datagram not taken yet; no time passes."""
    def outputs(self) -> list[Datagram]:
        """All datagrams not taken yet; no time passes."""
    def settle(self) -> None:
        """Lets the device finish everything that is due now. Raises `DeviceHang`."""
    def run_until_output(self, us: int = 1_000_000) -> Datagram | None:
        """Runs until a datagram is there (returned), or so long."""
    def advance(self, us: int) -> None:
        """Runs for exactly so long."""
    def exchange(self, datagram: Octets | Segment, us: int = 0) -> list[Datagram]:
        """Injects, settles (or runs for `us`), and returns everything that came out: one call instead of four."""
    @property
    def now_us(self) -> int:
        """Device time."""
    @property
    def cycles(self) -> int:
        """Clock cycles since reset."""
    def open_passive(
        self,
        port: int,
        *,
        local_ip: Address | None = None,
        remote_ip: Address | None = None,
        remote_port: int = 0,
        backlog: int = 8,
    ) -> CallResult:
        """Passive OPEN: listens. (RFC 9293 3.9.1.1)"""
    def open_active(
        self,
        remote_ip: Address,
        remote_port: int,
        *,
        local_port: int,
        local_ip: Address | None = None,
        nodelay: bool = False,
        keepalive: bool = False,
        from_listener: Handle | None = None,
    ) -> CallResult:
        """Active OPEN. (RFC 9293 3.9.1.1)"""
    def accept(self, listener: Handle) -> CallResult:
        """Takes a connection from a listener; WOULD_BLOCK when there is none."""
    def send(self, handle: Handle, data: Octets) -> CallResult:
        """SEND; may take fewer octets: `length`. (RFC 9293 3.9.1.2)"""
    def receive(self, handle: Handle, max: int = 65535) -> CallResult:
        """RECEIVE: `data`. (RFC 9293 3.9.1.3)"""
    def close(self, handle: Handle, *, half: bool = False) -> CallResult:
        """CLOSE: no more data to send. (RFC 9293 3.9.1.4)"""
    def abort(self, handle: Handle) -> CallResult:
        """ABORT. (RFC 9293 3.9.1.6)"""
    def status(self, handle: Handle) -> CallResult:
        """STATUS. (RFC 9293 3.9.1.5)"""
    def set_options(self, handle: Handle, *, nodelay: bool, keepalive: bool) -> CallResult:
        """Nagle off, keepalive on."""
    def poll_notification(self) -> Notification | None:
        """The oldest indication not taken yet."""
    def notifications(self) -> list[Notification]:
        """All indications not taken yet."""
    def set(self, name: str, value: int) -> None:
        """Writes a register by name. Raises `DeviceError` for one that the device lacks."""
    def counter(self, name: str) -> int:
        """Reads a counter by name."""
    @property
    def has_retire_records(self) -> bool: ...
    def set_retire_recording(self, on: bool = True) -> None: ...
    def take_retire_records(self) -> list[RetireRecord]:
        """The records since the last call."""
    def set_fault(self, id: str) -> None:
        """Arms a seeded fault of the model."""
    recording: bool
    @property
    def frames(self) -> list[Datagram]:
        """Recorded datagrams, both directions (with `record=True`)."""
    def take_frames(self) -> list[Datagram]:
        """The recorded datagrams, which are forgotten."""

class _OnConnection:
    """What acts on one connection. A `Tester` passes it on to its first connection.

    R, W, S, U and M are the device's RCV.NXT, RCV.WND, SND.NXT, SND.UNA and the largest window that the tester ever
    offered, as in the catalogue. Segments to send: absent fields become addresses and ports of the connection, SEQ = R,
    ACK = S. Segments to expect: absent fields become SEQ = S, ACK = R (not for RST), no text, exactly these flags.
    Segments are given as `Segment`, in the notation of the RFCs ("<SEQ=1><CTL=RST>"), or by fields.
    `within` is in microseconds. By default nothing else may be sent by the device, at any time.
    """

    @property
    def R(self) -> int:
        """RCV.NXT of the device."""
    @property
    def W(self) -> int:
        """RCV.WND of the device."""
    @property
    def S(self) -> int:
        """SND.NXT of the device."""
    @property
    def U(self) -> int:
        """SND.UNA of the device."""
    @property
    def M(self) -> int:
        """Largest window the tester ever offered."""
    @property
    def iss(self) -> int:
        """ISS of the device."""
    @property
    def isn(self) -> int:
        """The tester's ISN."""
    window: int
    """What the tester's segments say when they name no window."""
    mss: int | None
    """MSS option of the tester's SYN."""
    def send(self, segment: Segment | str | Octets | None = None, **fields: Field) -> None: ...
    def send_burst(self, segments: Iterable[Segment | str]) -> None:
        """Back to back, no time between."""
    def send_syn(self) -> None: ...
    def send_ack(self) -> None: ...
    def send_text(self, n: int, more_flags: Flags | int = 0) -> None:
        """n octets in order, one segment; R moves."""
    def text_at(self, seq: int, n: int, flags: Flags | int = ...) -> Segment:
        """The segment that carries text [seq, seq+n), ready for `send`; R does not move."""
    def send_fin(self, ack: int | None = None) -> None: ...
    def expect(self, pattern: Segment | str | None = None, *, within: int = ..., **fields: Field) -> Received: ...
    def expect_loose(self, pattern: Segment | str | None = None, *, within: int = ..., **fields: Field) -> Received:
        """Compares only what the pattern names (and the addresses)."""
    def expect_at(self, at: int, pattern: Segment | str | None = None, **fields: Field) -> Received:
        """Not before device time `at`, not after, but for the tolerance of timers."""
    def expect_ack(self, within: int = ...) -> Received: ...
    def expect_delayed_ack(self) -> Received:
        """At once, or up to 500 ms late."""
    def expect_text(self, n: int, within: int = ..., seq: int | None = None) -> Received:
        """n octets of the user's text, content compared."""
    def expect_fin(self, within: int = ...) -> Received: ...
    def expect_syn(self, within: int = ...) -> Received: ...
    def expect_syn_ack(self, within: int = ...) -> Received: ...
    def expect_rst(self, seq: int, within: int = ...) -> Received: ...
    def expect_rst_ack(self, seq: int, ack: int, within: int = ...) -> Received: ...
    def expect_abort_rst(self, within: int = ...) -> Received: ...
    def expect_one_of(self, patterns: Iterable[Segment | str], within: int = ...) -> int:
        """Index of the first pattern that matched."""
    def allow(self, pattern: Segment | str | None = None, *, within: int = ..., **fields: Field) -> Received | None:
        """Takes the segment if it is what comes first within the time."""
    def listen(
        self,
        *,
        backlog: int = 8,
        local_ip: Address | None = None,
        remote_ip: Address | None = None,
        remote_port: int = 0,
    ) -> None: ...
    def open(self, expected: CallStatus = ..., *, nodelay: bool = False, keepalive: bool = False) -> CallResult: ...
    def accept(self, expected: CallStatus = ...) -> CallResult: ...
    def user_send(self, n: int) -> None:
        """The device's user sends n octets, all of which must be taken."""
    def offer(self, n: int, expected: CallStatus = ...) -> CallResult:
        """The device's user offers n octets; `length` of the result were taken."""
    def user_receive(self, n: int) -> None:
        """The device's user reads exactly n octets, content compared."""
    def receive(self, max: int, expected: CallStatus = ...) -> CallResult: ...
    def close(self, expected: CallStatus = ..., *, half: bool = False) -> CallResult: ...
    def abort(self, expected: CallStatus = ...) -> CallResult: ...
    def status(self, expected: CallStatus = ...) -> CallResult: ...
    def expect_status(self, state: State) -> None: ...
    def expect_notification(self, flags: Notify | int, within: int = ...) -> None: ...
    def expect_no_notification(self, flags: Notify | int) -> None: ...
    def reach(self, state: State, role: Role | str = "passive") -> None:
        """Brings the device there through the wire and user calls alone, from a fresh start."""
    def probe_state(self, state: State) -> None:
        """Asks as a stranger would whether the device is there."""
    def probe_gone(self) -> None:
        """No connection any more."""

class Connection(_OnConnection):
    """One connection as the tester sees it."""

    @property
    def name(self) -> str: ...
    @property
    def device_ip(self) -> str: ...
    @property
    def device_port(self) -> int: ...
    @property
    def peer_ip(self) -> str: ...
    @property
    def peer_port(self) -> int: ...
    @property
    def handle(self) -> Handle | None: ...

class Tester(_OnConnection):
    """The side of the wire that faces the device, and the user on top of it. Lives as long as its case runs.

    Every datagram of the device is checked, whatever the case is about: checksums, options, sequence and ACK numbers,
    octets of the text.
    """

    @property
    def connection(self) -> Connection:
        """The first one."""
    def add_connection(self) -> Connection:
        """One more: another port of the peer, an ISN and a payload of its own."""
    def send_raw(self, octets: Octets | Segment, what: str = "raw octets") -> None:
        """Any datagram, sent as it is; `what` names it in the story of a failure."""
    def expect_nothing(self, us: int = ...) -> None:
        """No datagram at all for so long."""
    def expect_set(self, patterns: Iterable[Segment | str], within: int = ...) -> list[Received]:
        """These segments, all of them, in any order and on any connection."""
    def next(self, within: int = ...) -> Received | None:
        """The next datagram, if one comes within the time."""
    @property
    def now_us(self) -> int:
        """Device time."""
    def advance(self, us: int) -> None:
        """Lets time pass, in silence."""
    def set(self, name: str, value: int) -> None:
        """Writes a register of the device by name."""
    def counter(self, name: str) -> int: ...
    def expect_counter(self, name: str, by: int) -> None:
        """The counter has grown by that since the last call for this name (or since the start)."""
    def reset_device(self) -> None:
        """Power-on again; time restarts at 0."""
    def step(self, text: str) -> None:
        """What the case is doing; appears in ladder and failures."""
    def fail(self, text: str) -> None:
        """Raises `ExpectationError` with the whole story."""
    def check(self, condition: bool, text: str) -> None: ...
    def inapplicable(self, reason: str) -> None: ...
    def inconclusive(self, reason: str) -> None: ...
    def remark(self, text: str) -> None: ...
    def random(self, below: int = 0) -> int:
        """A number that depends on the seed only; 32 bits, or less than `below`."""
    @property
    def ladder(self) -> str: ...

def pattern(n: int, position: int = 0, seed: int = 1) -> bytes:
    """n octets; the one for position p depends on p and seed only."""

def hexdump(octets: Octets | Segment) -> str:
    """Hex and ASCII, 16 octets a line."""

def ladder(frames: list[Datagram]) -> str: ...
def trace_array(frames: list[Datagram]) -> np.ndarray[Any, np.dtype[np.void]]: ...
def cases() -> list[dict[str, Any]]: ...
def profiles() -> list[tuple[str, str, dict[str, int]]]: ...
def rtl_parameter_sets() -> list[dict[str, int]]:
    """Parameter sets for which verilated engines are built in, as keyword arguments of `Device`."""

def available_sets() -> str: ...
def registers() -> list[tuple[str, bool, int]]:
    """(name, whether it is a setting, value after reset) of all registers and counters."""

def choices() -> list[tuple[str, list[str], str]]:
    """(name, legal answers, question) of all that the RFCs leave open; the engine's own answer is the first."""

def all_calls() -> set[str]:
    """Names that `calls` of a capability file knows."""

def run_case(
    id: str,
    device: Device,
    *,
    seed: int = 1,
    settings: dict[str, int] = ...,
    arguments: str = "",
    frames: bool = True,
) -> dict[str, Any]: ...
def run_function(
    description: dict[str, Any],
    function: Callable[[Tester], None],
    device: Device,
    *,
    seed: int = 1,
    settings: dict[str, int] = ...,
    arguments: str = "",
    frames: bool = True,
) -> dict[str, Any]: ...

class Server:
    """A device in real time on a file descriptor that carries datagrams, with an echo application on it."""

    def __init__(self, device: Device, fd: int) -> None: ...
    def listen(self, port: int, backlog: int = 16) -> None: ...
    def connect(self, ip: Address, port: int, local_port: int, data: bytes | None = None) -> None: ...
    def run(self, ms: int = 100) -> None:
        """Serves for so many milliseconds of wall time, or until a signal arrives."""
    def stop(self) -> None:
        """Resets every connection."""
    @property
    def open_connections(self) -> int: ...
    @property
    def result(self) -> str:
        """How the connection that `connect` opened ended; empty while it has not."""
    def take_received(self) -> bytes: ...
    def counters(self) -> dict[str, int]: ...

class Pair:
    """Two devices as each other's peers over an impaired link (harness/include/tiptoe/pair.hpp)."""

    def __init__(
        self,
        a: Device,
        b: Device,
        *,
        a_ip: Address,
        b_ip: Address,
        bytes: int = 0,
        opens: int = 0,
        size: int = 512,
        side_by_side: int = 0,
        loss_ppm: int = 0,
        duplicate_ppm: int = 0,
        reorder_ppm: int = 0,
        corrupt_ppm: int = 0,
        delay_us: int = 1000,
        jitter_us: int = 0,
        seed: int = 1,
        a_tables: int = 0,
        b_tables: int = 0,
    ) -> None: ...
    def run(self, ms: int = 100) -> bool:
        """Goes on for so many milliseconds of wall time. False: it has ended."""
    @property
    def real_time(self) -> bool: ...
    def result(self) -> dict[str, Any]: ...

def faults() -> list[tuple[str, str, str]]:
    """Seeded faults of the model: (id, what it does, what it breaks)."""

def soak(
    kind: str,
    parameters: dict[str, int],
    *,
    cycles: int,
    seed: int,
    first_episode: int = 0,
    fault: str = "",
    waves: str = "",
) -> dict[str, Any]: ...
def measure_speed(kind: str, parameters: dict[str, int], *, cycles: int) -> tuple[int, float]:
    """Cycles and seconds of wall time."""

def measure_segment_rate(kind: str, parameters: dict[str, int], *, connections: int, segments: int) -> tuple[int, int]:
    """Segments and cycles."""

def drive_packets(device: Device, prepared: list[bytes], rounds: int) -> tuple[int, float]:
    """The C++ half of the comparison in `tiptoe bench`: datagrams that came out, seconds of processor time."""
