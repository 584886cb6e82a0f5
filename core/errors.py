# SPDX-License-Identifier: GPL-3.0-or-later
"""The exception for errors that the user can fix."""


class InputError(ValueError):
    """A file, value or timeline cannot be used.

    The message is one sentence that names the value and how to fix it; callers show it unchanged.
    """
