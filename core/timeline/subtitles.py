# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and write prompts as .srt subtitles."""

import re

from ..errors import InputError
from .strips import DEFAULT_GUIDANCE, Scope, TextStrip, Timeline

_SRT_TIME = r"(\d{1,4}):(\d{1,2}):(\d{1,2}(?:[,.]\d{1,3})?)"
_SRT_TIMES = re.compile(rf"\s*{_SRT_TIME}\s*-->\s*{_SRT_TIME}(?:\s.*)?", re.ASCII)
_SRT_UPPER = "[upper body]"
_SRT_MARKUP = re.compile(r"</?(?:b|i|u|font)\b[^>]*>|\{\\[^}]*\}", re.IGNORECASE)


def timeline_from_srt(text: str) -> Timeline:
    """Convert subtitles to a timeline with one text strip per caption, without markup.

    A caption that starts with "[upper body]" has that scope. Subtitles store no guidance, so it is set to
    `DEFAULT_GUIDANCE`, like the panel's slider.

    >>> timeline_from_srt("1\\n00:00:01,000 --> 00:00:04,500\\n<i>a person bows</i>").text[0].prompt
    'a person bows'

    Raises:
        InputError: there are no captions, or one is malformed; the message gives its number.
    """
    strips: list[TextStrip] = []
    captions = [caption for caption in re.split(r"\n[ \t]*(?:\n[ \t]*)+", text.replace("\r", "").strip()) if caption]
    for number, caption in enumerate(captions, 1):
        lines = caption.split("\n")
        if lines[0].strip().isdecimal() and len(lines) > 1:
            lines = lines[1:]
        times = _SRT_TIMES.fullmatch(lines[0])
        if times is None:
            raise InputError(f"Caption {number} has no times; write them as 00:00:01,000 --> 00:00:04,000.")
        hours, minutes, seconds, *end = times.groups()
        prompt = "\n".join(_SRT_MARKUP.sub("", line).strip() for line in lines[1:])
        scope: Scope = "upper body" if prompt.lower().startswith(_SRT_UPPER) else "whole"
        prompt = prompt if scope == "whole" else prompt[len(_SRT_UPPER) :].strip()
        strips.append(TextStrip(_srt_seconds(hours, minutes, seconds), _srt_seconds(*end), prompt, scope=scope))
    if not strips:
        raise InputError("The file has no captions; write each as a number, a line of times, and a prompt.")
    return Timeline(text=tuple(strips), guidance=DEFAULT_GUIDANCE)


def timeline_to_srt(timeline: Timeline) -> str:
    """Convert the prompts of a timeline to subtitles, with scope; speech, guidance and seeds cannot be stored.

    Raises:
        InputError: there are no prompts.
    """
    if not timeline.text:
        raise InputError("Subtitles contain only prompts, and there are none; save a .json file, or add a text strip.")
    captions: list[str] = []
    for number, strip in enumerate(sorted(timeline.text, key=lambda strip: strip.start), 1):
        prompt = "\n".join(line.strip() for line in strip.prompt.splitlines() if line.strip())
        prompt = prompt if strip.scope == "whole" else f"{_SRT_UPPER} {prompt}"
        captions.append(f"{number}\n{_srt_time(strip.start)} --> {_srt_time(strip.end)}\n{prompt}\n")
    return "\n".join(captions)


def _srt_seconds(hours: str, minutes: str, seconds: str) -> float:
    # rounded to the millisecond as written, without the error of the binary sum
    return round(int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", ".")), 3)


def _srt_time(seconds: float) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{thousandths:03}"
