# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of generation: takes, the generated strip, baking, export and asset libraries."""
