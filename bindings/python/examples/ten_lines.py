# SPDX-License-Identifier: Apache-2.0
"""A case of your own in ten lines.

pytest ten_lines.py                                            # on the model
pytest ten_lines.py --tiptoe-dut lockstep --tiptoe-width 512   # on model and RTL together
python ten_lines.py                                            # without pytest
"""

import tiptoe
from tiptoe import State


@tiptoe.case(rules=["RFC5961-3.2-3"], profile="rfc5961")
def rst_in_window(t: tiptoe.Tester) -> None:
    """A RST inside the window, but not at RCV.NXT, draws a challenge ACK and does no harm."""
    t.reach(State.ESTABLISHED)
    t.send(flags="RST", seq=t.R + 1)
    t.expect_ack()
    t.probe_state(State.ESTABLISHED)


if __name__ == "__main__":
    result = rst_in_window.run("model")
    print(result.verdict, result.message)
    print(tiptoe.ladder(result.frames))
