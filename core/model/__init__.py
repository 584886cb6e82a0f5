# SPDX-License-Identifier: GPL-3.0-or-later
"""The network and its folder on disk."""
