# SPDX-License-Identifier: GPL-3.0-or-later
"""Batch runs without a window: options, reports, scenes and videos."""
