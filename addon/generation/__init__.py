# SPDX-License-Identifier: GPL-3.0-or-later
"""Generation: orders, the worker that executes them, and the session that applies their results."""
