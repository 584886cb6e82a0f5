# SPDX-License-Identifier: GPL-3.0-or-later
"""Analyze prompts: their canonical form and the actions they name."""
