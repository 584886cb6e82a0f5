# SPDX-License-Identifier: GPL-3.0-or-later
"""BERT's uncased WordPiece tokenizer (Devlin et al. 2018)."""

import unicodedata
from collections.abc import Iterator, Sequence

_LONGEST_WORD = 100  # characters; a longer one is unknown
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip


class WordPiece:
    """Splits text into the longest pieces of a vocabulary.

    What is written as a control token, such as [SEP], is text like any other.

    >>> WordPiece(["[CLS]", "[SEP]", "[UNK]", "wave", "##s", "!"])("Waves!", 256)
    [0, 3, 4, 5, 1]
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        """Args: vocabulary: the tokens, whose ids are their places; pieces within a word begin with ##."""
        self._ids = {token: k for k, token in enumerate(vocabulary)}
        self._start, self._end, self._unknown = (self._ids[token] for token in ("[CLS]", "[SEP]", "[UNK]"))

    def __call__(self, text: str, longest: int) -> list[int]:
        """The ids of text, at most `longest` with those of its start and end."""
        ids = [one for word in _words(text) for one in self._pieces(word)]
        return [self._start, *ids[: longest - 2], self._end]

    def _pieces(self, word: str) -> list[int]:
        ids: list[int] = []
        start = 0
        while start < len(word) <= _LONGEST_WORD:
            prefix = "##" if start else ""
            stop = next((k for k in range(len(word), start, -1) if prefix + word[start:k] in self._ids), None)
            if stop is None:
                return [self._unknown]
            ids.append(self._ids[prefix + word[start:stop]])
            start = stop
        return ids or [self._unknown]


def _words(text: str) -> Iterator[str]:
    """Words in lower case without accents; punctuation and ideographs are words of their own."""
    word = ""
    decomposed = unicodedata.normalize("NFD", "".join(map(_cleaned, text)))
    for character in "".join(map(str.lower, decomposed)):  # one by one: a final sigma is a sigma
        if unicodedata.category(character) == "Mn":
            continue
        if character.isspace() or _is_punctuation(character):
            if word:
                yield word
            word = ""
            if not character.isspace():
                yield character
        else:
            word += character
    if word:
        yield word


def _cleaned(character: str) -> str:
    """The character, a space for white space, nothing for a control character, ideographs between spaces."""
    category = unicodedata.category(character)
    if character in "\t\n\r" or category == "Zs":
        return " "
    if character == "\ufffd" or category in {"Cc", "Cf", "Co", "Cs"}:
        return ""
    return f" {character} " if any(low <= ord(character) <= high for low, high in _IDEOGRAPHS) else character


def _is_punctuation(character: str) -> bool:
    """All of ASCII but letters, digits and space, and what Unicode calls punctuation."""
    code = ord(character)
    ascii_symbol = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    return ascii_symbol or unicodedata.category(character).startswith("P")
