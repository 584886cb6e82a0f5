# SPDX-License-Identifier: GPL-3.0-or-later
"""What a prompt says: its canonical form and its actions."""
