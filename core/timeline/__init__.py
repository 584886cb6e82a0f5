# SPDX-License-Identifier: GPL-3.0-or-later
"""Timelines of text and speech strips, and their files."""
