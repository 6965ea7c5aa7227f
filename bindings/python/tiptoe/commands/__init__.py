# SPDX-License-Identifier: Apache-2.0
"""Subcommands of `tiptoe`, one module each with a click command named `command`."""
