# SPDX-License-Identifier: GPL-3.0-or-later
"""German for the interface."""

MESSAGES: dict[str, str] = {}
