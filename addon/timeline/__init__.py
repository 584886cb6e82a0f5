# SPDX-License-Identifier: GPL-3.0-or-later
"""Text and speech strips on the NLA."""
