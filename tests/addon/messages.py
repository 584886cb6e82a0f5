# SPDX-License-Identifier: GPL-3.0-or-later
"""All words that the interface shows: those that Blender knows from classes, and those in the code that draws."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

_SHOWN = {"text", "placeholder", "confirm_text", "title", "message"}
_CHECKS = {"Check"}
_REASONS = {
    "disabled_reason", "missing_character_reason", "mapping_error", "needs_character", "hidden_reason",
    "_needs_object_mode",
}  # fmt: skip


def of_classes(*groups: Any) -> set[str]:
    """Labels, names and descriptions of what the add-on has registered, and of the properties of these groups."""
    found: set[str] = set()
    for name in dir(bpy.types):
        if name.startswith("FREETALKER_"):
            found.add(getattr(getattr(bpy.types, name), "bl_label", ""))
    for name in dir(bpy.ops.freetalker):
        kind = getattr(bpy.ops.freetalker, name).get_rna_type()
        found |= {kind.name, kind.description, *_of_properties(kind)}
    for owner in (bpy.types.Scene, bpy.types.Action, bpy.types.Object):
        for prop in owner.bl_rna.properties:
            if prop.identifier.startswith("freetalker"):
                found |= set(_of_properties(prop.fixed_type))
    for group in groups:
        found |= set(_of_properties(group))
    return {message for message in found if message}


def _of_properties(rna: Any) -> Iterator[str]:
    own = [prop for prop in rna.properties if prop.identifier not in {"rna_type", "name", "bl_idname", "layout"}]
    for prop in own:
        if prop.type == "COLLECTION" and "FREETALKER" in prop.fixed_type.identifier:
            yield from _of_properties(prop.fixed_type)
        if prop.is_hidden or not prop.description or prop.name == prop.identifier:
            continue
        yield from (prop.name, prop.description)
        if prop.type == "ENUM":
            for item in prop.enum_items_static:
                yield from (item.name, item.description)


def of_code(root: Path) -> tuple[set[str], list[str]]:
    """(messages, places where words are put together that no dictionary can hold) in the add-on's own code."""
    messages: set[str] = set()
    wrong: list[str] = []
    for path in sorted((root / "addon").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                _of_call(node, path.relative_to(root), messages, wrong)
            elif isinstance(node, ast.FunctionDef) and node.name in _REASONS:
                returned = [part.value for part in ast.walk(node) if isinstance(part, ast.Return)]
                messages |= {text for value in returned for text in _literals(value)}
    return {message for message in messages if any(letter.isalpha() for letter in message)}, wrong


def _of_call(node: ast.Call, path: Path, messages: set[str], wrong: list[str]) -> None:
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    if name == "tr" and node.args:
        messages |= set(_literals(node.args[0]))
    if name == "draw_lines":
        messages |= set(_literals(node.args[1]))
    if name in _CHECKS:  # its name and its button; what was found is put together by tr
        messages |= {text for part in (node.args[0], *node.args[4:]) for text in _literals(part)}
    shown = [word.value for word in node.keywords if word.arg in _SHOWN]
    if any(word.arg == "translate" for word in node.keywords) or "batch" in path.name:
        return
    if name in {"add_argument", "undo_push", "Message", "argparse"}:
        return
    for value in shown:
        messages |= set(_literals(value))
        for part in ast.walk(value):
            if isinstance(part, ast.JoinedStr) and _words(part):
                wrong.append(f"{path}:{value.lineno}: {ast.unparse(value)}")


def _words(joined: ast.JoinedStr) -> bool:
    """Whether an f-string has words of its own between its values."""
    return any(isinstance(part, ast.Constant) and len(str(part.value).strip(" :,.%()")) > 1 for part in joined.values)


def _literals(value: ast.expr | None) -> Iterator[str]:
    """The strings that an expression can be."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _literals(value.body)
        yield from _literals(value.orelse)
    elif isinstance(value, ast.BoolOp):
        for part in value.values:
            yield from _literals(part)
