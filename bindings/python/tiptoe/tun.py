# SPDX-License-Identifier: Apache-2.0
"""Linux TUN interfaces: a file descriptor that carries IPv4 datagrams to and from the kernel.

    >>> with Tun("tun0", ipaddress.IPv4Interface("10.9.0.1/24")) as tun:      # the host's side
    ...     os.read(tun.fd, 65536)

See linux/if_tun.h and Documentation/networking/tuntap.rst of the kernel.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import ipaddress
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path
from types import TracebackType

from ._errors import ServeError

DEVICE = "/dev/net/tun"
_TUNSETIFF = 0x400454CA
_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000


def host_address(device: ipaddress.IPv4Interface) -> ipaddress.IPv4Interface:
    """An address for the host in the device's subnet: the lowest that is not the device's.

    Raises `ServeError` when the device's address cannot be one of a host, or nothing is left for the other side.
    """
    address, network = device.ip, device.network
    if address.is_loopback or address.is_multicast or address.is_unspecified or int(address) >= 0xE0000000:
        raise ServeError(f"{address} is not an address that a device can have")
    if network.prefixlen < 31 and address in (network.network_address, network.broadcast_address):
        kind = "network" if address == network.network_address else "broadcast"
        raise ServeError(f"{address} is the {kind} address of {network}; take another one")
    for candidate in network.hosts():
        if candidate != address:
            return ipaddress.IPv4Interface(f"{candidate}/{network.prefixlen}")
    raise ServeError(
        f"{device} leaves no address for the host; take a subnet of /31 or larger, for example {address}/24"
    )


class Tun:
    """A TUN interface that lives as long as this object."""

    def __init__(self, name: str, host: ipaddress.IPv4Interface, mtu: int = 1500) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,15}", name) or name in (".", ".."):
            raise ServeError(f"'{name}' cannot name an interface: up to 15 letters, digits, '_', '-' and '.'")
        self.name = name
        self.fd = -1
        try:
            self.fd = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise ServeError(f"there is no {DEVICE}: this kernel or container has no TUN driver") from None
        except PermissionError:
            raise ServeError(f"{DEVICE} may not be opened: run as root") from None
        except OSError as e:
            raise ServeError(f"{DEVICE} cannot be opened: {e.strerror}") from e
        try:
            self._attach()
            self._configure(host, mtu)
        except BaseException:
            self.close()
            raise

    def _attach(self) -> None:
        request = struct.pack("16sH22x", self.name.encode(), _IFF_TUN | _IFF_NO_PI)
        try:
            fcntl.ioctl(self.fd, _TUNSETIFF, request)
        except OSError as e:
            exists = Path("/sys/class/net", self.name).exists()
            if e.errno == errno.EBUSY or (exists and e.errno == errno.EINVAL):
                raise ServeError(f"the interface name '{self.name}' is in use") from None
            if e.errno in (errno.EPERM, errno.EACCES):
                raise ServeError("no permission to make a TUN interface: run as root (CAP_NET_ADMIN)") from None
            raise ServeError(f"the TUN interface '{self.name}' cannot be made: {e.strerror}") from e

    def _configure(self, host: ipaddress.IPv4Interface, mtu: int) -> None:
        # The kernel would say hello in IPv6, which the device does not speak.
        with contextlib.suppress(OSError):
            Path(f"/proc/sys/net/ipv6/conf/{self.name}/disable_ipv6").write_text("1", encoding="ascii")
        self._ip("addr", "add", str(host), "dev", self.name)
        self._ip("link", "set", "dev", self.name, "mtu", str(mtu), "up")

    @staticmethod
    def _ip(*arguments: str) -> None:
        program = shutil.which("ip", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if program is None:
            raise ServeError("the program 'ip' (package iproute2) is not there")
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServeError(f"'ip {' '.join(arguments)}' failed: {done.stderr.strip()}")

    def close(self) -> None:
        """The interface goes away."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Tun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
