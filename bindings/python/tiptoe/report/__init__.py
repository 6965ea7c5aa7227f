# SPDX-License-Identifier: Apache-2.0
"""Reports of a run: terminal, JSON, JUnit XML, pcapng. Formats are documented in docs/report-format.md."""
