# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts and recordings become arrays that a network can read."""
