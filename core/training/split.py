# SPDX-License-Identifier: GPL-3.0-or-later
"""What is held out of training: recordings by their names, and wordings that training never sees.

`Split` is a rule, not a list. It depends on the clips alone, so the trainer, which leaves out what is held out, and a
later evaluation agree without a file between them. Clips of a published dataset carry their split with them.
"""

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from .captions import SUBJECTS, Caption
from .clip import Clip
from .phrases import PHRASES
from .styles import STYLES

HELD_OUT_EVERY = 8  # recordings
_COPY = re.compile(r"^Chr[A-Za-z]+_(?=Chr[A-Za-z]+[@_])")  # the same performance on another body
_ROUND = re.compile(r"_\d+$")  # of speech pairs: how often the recording was used before
_SLOTS = {
    "direction": r"forward|ahead|straight ahead|straight forward|in a (?:circle|curve) to the (?:left|right)",
    "turn": "left|right",
    "side": "left|right",
    "hands": "both hands|the left hand|the right hand",
    "leg": "left|right",
    "part": "chest|temple|head",
    "direction_hand": "forward|to the left|to the right",
}
_UNKNOWN = "\0"  # in place of a word that the caption lacks
_SUBJECTS = "|".join(map(re.escape, SUBJECTS))
_STYLE_OF = {adverb: style for style, adverbs in STYLES.items() for adverb in adverbs}
_PRONOUNS = {"their": "his|her|their", "themself": "himself|herself|themself"}


def recording_of(clip: Clip) -> str:
    """Return a key of the recording that a clip was made from.

    Windows, mirrored and augmented copies of a recording share it; so do copies of one performance on several bodies,
    and the pairs made with one recording of speech.
    """
    if clip.split:
        return f"{clip.source}/{clip.name}"
    if clip.speech >= 0:
        return f"speech/{_ROUND.sub('', clip.name)}"
    return f"{clip.source}/{_COPY.sub('', clip.name)}"


@dataclass(frozen=True)
class Split:
    """Which recordings are held out.

    Attributes:
        recordings: Keys of the held-out recordings; see `recording_of`.
    """

    recordings: frozenset[str]

    @staticmethod
    def of(clips: Iterable[Clip]) -> "Split":
        """Apply the rule to clips.

        About one recording in eight is held out, and at least one of each action that has three, but never more than a
        third of the clips of an action, and so never its only recording. A recording of several actions is held out
        whole or not at all. Clips with a split of their own are held out unless it is "train".
        """
        shows: dict[str, Counter[str]] = defaultdict(Counter)  # clips of each action in each recording
        total: Counter[str] = Counter()
        held: set[str] = set()
        for clip in clips:
            if not clip.split:
                shows[recording_of(clip)][clip.action] += 1
                total[clip.action] += 1
            elif clip.split != "train":
                held.add(recording_of(clip))
        gone: Counter[str] = Counter()

        def hold(recording: str) -> None:
            if recording not in held and all(
                3 * (gone[action] + n) <= total[action] for action, n in shows[recording].items()
            ):
                held.add(recording)
                gone.update(shows[recording])

        order = sorted(shows, key=_hash)
        for recording in order:
            if _hash(recording) % HELD_OUT_EVERY == 0:
                hold(recording)
        for action in sorted(total):
            for recording in order:
                if gone[action]:
                    break
                if action in shows[recording]:
                    hold(recording)
        return Split(frozenset(held))

    def held_out(self, clip: Clip) -> bool:
        """Return whether a clip is for evaluation only."""
        return recording_of(clip) in self.recordings


def _hash(recording: str) -> int:
    return zlib.crc32(recording.encode())  # the same in every run, unlike hash()


def caption_of(action: str, sentences: Iterable[str]) -> Caption:
    """Recover the caption that training sentences were made from.

    Args:
        action: The clip's action.
        sentences: Its training sentences.

    Returns:
        The caption with the sides, hands, directions and style that the sentences name.
    """
    templates = [_template(phrase) for phrase in PHRASES.get(action, ())]
    words: dict[str, str] = {}
    style = ""
    for sentence in sentences:
        for template in templates:
            match = template.fullmatch(sentence)
            if match:
                found = {key: value for key, value in match.groupdict().items() if value is not None}
                style = _STYLE_OF.get(found.pop("adverb", ""), style)
                words |= found
                break
    return Caption(action, words, style)


def held_out_sentences(caption: Caption) -> list[str]:
    """Return the wordings of a caption that training never sees.

    Wordings with a slot that the caption has no word for are left out; an action without phrases has none.
    """
    if caption.action not in PHRASES:
        return []
    filled = Caption(caption.action, dict.fromkeys(_SLOTS, _UNKNOWN) | caption.words, caption.style)
    return [sentence for sentence in filled.sentences(held_out=True) if _UNKNOWN not in sentence]


@cache
def _template(phrase: str) -> re.Pattern[str]:
    """Return a pattern of the sentences made from a phrase: a group per slot, and "adverb" for that of the style."""
    pattern = ""
    seen: set[str] = set()
    for part in re.split(r"(\{\w+\})", phrase):
        slot = part.strip("{}")
        if not part.startswith("{"):
            pattern += re.escape(part)
        elif slot in _PRONOUNS:
            pattern += f"(?:{_PRONOUNS[slot]})"
        elif slot in seen:
            pattern += f"(?P={slot})"
        else:
            pattern += f"(?P<{slot}>{_SLOTS[slot]})"
            seen.add(slot)
    adverbs = "|".join(map(re.escape, _STYLE_OF))
    return re.compile(f"(?:{_SUBJECTS}) {pattern}(?: (?P<adverb>{adverbs}))?")
