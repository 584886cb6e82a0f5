# SPDX-License-Identifier: GPL-3.0-or-later
"""Strips on a timeline, and their files."""
