# SPDX-License-Identifier: GPL-3.0-or-later
"""Results: takes, their strip, baking and export."""
