# SPDX-License-Identifier: GPL-3.0-or-later
"""Little-endian records of a binary file, read one after another and never past its end."""

import struct


class Records:
    """A cursor over the bytes of a file.

    Unlike plain slicing, every read that the bytes cannot serve raises ValueError, so that a file which promises more
    than it holds fails before anything is allocated for it.
    """

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self.at = at

    @property
    def left(self) -> int:
        """How many bytes remain."""
        return len(self._data) - self.at

    def take(self, size: int) -> bytes:
        """Read raw bytes.

        Args:
            size: How many bytes to read, 0 or more.

        Returns:
            Exactly that many bytes.

        Raises:
            ValueError: The file ends before.
        """
        if size < 0 or size > self.left:
            raise ValueError(f"it ends at byte {len(self._data)}, in the middle of a record")
        self.at += size
        return self._data[self.at - size : self.at]

    def numbers(self, form: str) -> tuple[int | float, ...]:
        """Read numbers.

        Args:
            form: Their types in the letters of `struct`, such as "Hf"; byte order and padding are added here.

        Returns:
            One number for each letter.

        Raises:
            ValueError: The file ends before.
        """
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))

    def count(self, form: str, size: int) -> int:
        """Read how many records follow.

        Args:
            form: The type of the number, as in `numbers`.
            size: Bytes of the smallest such record.

        Returns:
            The number of records.

        Raises:
            ValueError: The number is negative, or the rest of the file is too short for so many.
        """
        number = int(self.numbers(form)[0])
        if number < 0 or number * size > self.left:
            raise ValueError(f"it announces {number} records of {size} bytes, and {self.left} bytes follow")
        return number

    def fixed_text(self, size: int, encoding: str) -> str:
        """Read text of a fixed size that a zero byte may end early.

        Args:
            size: Bytes that the text takes in the file.
            encoding: A codec; bytes that it does not know are replaced.

        Returns:
            The text before the first zero byte.

        Raises:
            ValueError: The file ends before.
        """
        return self.take(size).split(b"\0", 1)[0].decode(encoding, "replace")

    def text(self, most: int = 256) -> str:
        """Read text up to its zero byte.

        Args:
            most: Bytes it may have at most.

        Returns:
            The text, as ASCII; other bytes are replaced.

        Raises:
            ValueError: No zero byte follows within so many bytes.
        """
        end = self._data.find(b"\0", self.at, self.at + most + 1)
        if end < 0:
            raise ValueError(f"a name of more than {most} bytes stands at byte {self.at}")
        found = self._data[self.at : end].decode("ascii", "replace")
        self.at = end + 1
        return found
