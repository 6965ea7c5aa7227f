# SPDX-License-Identifier: Apache-2.0
"""tiptoe: does this TCP follow the RFCs?

    >>> import tiptoe
    >>> from tiptoe import ACK, SYN, Segment
    >>> with tiptoe.Device("model", width=64, settings={"LOCAL_IP0": 0x0A000001}) as device:
    ...     device.open_passive(80)
    ...     syn = Segment(src="10.0.1.1", dst="10.0.0.1", src_port=4000, dst_port=80, seq=1000, flags=SYN, mss=1460)
    ...     (answer,) = device.exchange(syn)
    ...     print(answer.segment)
    10.0.0.1.80 > 10.0.1.1.4000: Flags [S.], seq ..., ack 1001, win 16384, options [mss 1460], length 0

Times are microseconds of device time. The long form is docs/python.md; the command is documented in docs/cli.md.
"""

from __future__ import annotations

from . import capabilities, catalogue, plug, runner
from ._core import (
    ACK_DELAY_US,
    AT_ONCE,
    CallResult,
    Connection,
    Datagram,
    Device,
    Handle,
    Notification,
    OpenArgs,
    Options,
    Received,
    RetireRecord,
    Segment,
    Tester,
    hexdump,
    pattern,
    rtl_parameter_sets,
)
from ._enums import CallStatus, Defect, EventKind, Flags, Level, Notify, Role, State, Verdict
from ._errors import (
    DeviceError,
    DeviceHang,
    DeviceNonsense,
    DeviceUnsupported,
    Divergence,
    ExpectationError,
    Inapplicable,
    Inconclusive,
    SegmentError,
    ServeError,
    TiptoeError,
    UsageError,
)
from ._version import __version__
from .dut import Dut
from .results import CaseInfo, CaseResult, Outcome, Run, RunInfo
from .suite import Case, Profile, case, cases, cases_of_rule, find_case, profiles, run_case
from .trace import ladder
from .trace import to_array as trace
from .waivers import Waiver

FIN, SYN, RST, PSH = Flags.FIN, Flags.SYN, Flags.RST, Flags.PSH
ACK, URG, ECE, CWR = Flags.ACK, Flags.URG, Flags.ECE, Flags.CWR

#: `make("rtl", width=512)` is `Device("rtl", width=512)`.
make = Device

__all__ = [
    "ACK",
    "ACK_DELAY_US",
    "AT_ONCE",
    "CWR",
    "ECE",
    "FIN",
    "PSH",
    "RST",
    "SYN",
    "URG",
    "CallResult",
    "CallStatus",
    "Case",
    "CaseInfo",
    "CaseResult",
    "Connection",
    "Datagram",
    "Defect",
    "Device",
    "DeviceError",
    "DeviceHang",
    "DeviceNonsense",
    "DeviceUnsupported",
    "Divergence",
    "Dut",
    "EventKind",
    "ExpectationError",
    "Flags",
    "Handle",
    "Inapplicable",
    "Inconclusive",
    "Level",
    "Notification",
    "Notify",
    "OpenArgs",
    "Options",
    "Outcome",
    "Profile",
    "Received",
    "RetireRecord",
    "Role",
    "Run",
    "RunInfo",
    "Segment",
    "SegmentError",
    "ServeError",
    "State",
    "Tester",
    "TiptoeError",
    "UsageError",
    "Verdict",
    "Waiver",
    "__version__",
    "capabilities",
    "case",
    "cases",
    "cases_of_rule",
    "catalogue",
    "find_case",
    "hexdump",
    "ladder",
    "make",
    "pattern",
    "plug",
    "profiles",
    "rtl_parameter_sets",
    "run_case",
    "runner",
    "trace",
]
