# SPDX-License-Identifier: GPL-3.0-or-later
"""From noise to features: schedule, samplers, guidance and DoubleTake."""
