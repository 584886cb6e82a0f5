# SPDX-License-Identifier: GPL-3.0-or-later
"""Generating: orders, the worker, and the session that runs them."""
