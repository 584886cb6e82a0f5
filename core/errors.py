# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception for what a user can get wrong."""


class InputError(ValueError):
    """A file, value or timeline that cannot be used.

    The message is one sentence that names the value and the way out; callers show it as it is.
    """
