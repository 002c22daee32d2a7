"""The sheet that LPC tools read: that of the Universal LPC Spritesheet Character Generator ("ULPC"), expanded.

Compared with the generator's own tables (its sources/state/constants.js: ANIMATION_OFFSETS and ANIMATION_CONFIGS, 2025):
a sheet is 13 columns of 64 pixels wide and 54 rows high (832x3456), rows of an animation are up, left, down, right.

    ULPC rows      columns  ULPC name      filled from (LPC Revised, our ids)
     0- 3          7        spellcast      - the art has none: empty
     4- 7          8        thrust         - empty
     8-11          9        walk           column 0 the standing figure (idle 0), columns 1-8 walk 0-7
    12-15          6        slash          - empty: an overhand stroke, another one than combat-slash
    16-19          13       shoot          - empty
    20             6        hurt           - empty
    21             6        climb          climb 0-5, one row only
    22-25          2        idle           idle 0 and 2 (idle 1 repeats idle 0; ULPC plays 0, 0, 1)
    26-29          5        jump           jump 0-4 (jump 5 repeats jump 1; ULPC plays 0, 1, 2, 3, 4, 1)
    30-33          3        sit            sitting 0-2
    34-37          3        emote          emotes 0-2
    38-41          8        run            run 0-7
    42-45          2        combat_idle    combat-idle 0-1
    46-49          13       1h_slash and   combat-slash 0-6 in columns 0-6; combat-backslash 6-11 in columns 7-12
                            1h_backslash   (its 0-5 are the same pictures as the slash's; ULPC plays 0-5, 7-12)
    50-53          6        1h_halfslash   combat-halfslash 0-5

The repeats that ULPC's tables expect were compared with the art: jump repeats exactly, both bodies, all directions; the
slashes exactly on the feminine body, and on the masculine one seen from behind and from the left; idle exactly from
behind, elsewhere not always. Which foot ULPC's walk begins with could not be compared: its art is not at hand.

What does not map lies below row 54, where ULPC puts its custom animations: expressions, animations of other packs, and
oversize animations (a swung sword in 128x128 frames; ULPC's rows above stay empty for these, since a cut-off blade helps
nobody). Idle, jump and combat-backslash, of which ULPC leaves out the repeated frames, lie there once more and complete,
since a repeated frame need not be drawn equal to the pixel. The frames of the sheet name one cell for each pose, and those
of an animation seen from one side are always side by side in one row.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vcg_bridge.contract.character import Character, Plane, Pose
from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.contract.manifest import DIRECTIONS, Manifest
from vcg_bridge.sprites.compose import pose_order
from vcg_bridge.sprites.sheet import Sheet, put, whole_frame

COLUMNS = 13
ROWS = 54

CELLS: Mapping[str, tuple[int, Mapping[int, int]]] = {
    "walk": (8, {frame: frame + 1 for frame in range(8)}),
    "climb": (21, {frame: frame for frame in range(6)}),
    "idle": (22, {0: 0, 2: 1}),
    "jump": (26, {frame: frame for frame in range(5)}),
    "sitting": (30, {frame: frame for frame in range(3)}),
    "emotes": (34, {frame: frame for frame in range(3)}),
    "run": (38, {frame: frame for frame in range(8)}),
    "combat-idle": (42, {frame: frame for frame in range(2)}),
    "combat-slash": (46, {frame: frame for frame in range(7)}),
    "combat-backslash": (46, {frame: frame + 1 for frame in range(6, 12)}),
    "combat-halfslash": (50, {frame: frame for frame in range(6)}),
}
"""Animation -> first ULPC row, and frame -> column."""


def lpc(character: Character, manifest: Manifest) -> Sheet:
    """A sheet with every frame that ULPC knows in ULPC's cell, and the rest below. Raises BadRequest for no frames."""
    poses = pose_order(manifest, character.frames)
    if not poses:
        raise BadRequest("there is no frame to lay out", hint="ask for at least one animation")
    edge = manifest.frame_size
    cells = _cells(character, manifest, poses)
    below = {pose.animation for pose in poses if pose not in cells}
    extra = [(pose, x * edge, y * edge) for pose, (x, y) in cells.items() if pose.animation in below]
    extra += _standing(character, manifest, poses)
    places = {pose: (x * edge, y * edge) for pose, (x, y) in cells.items() if pose.animation not in below}
    width, bottom = COLUMNS * edge, ROWS * edge
    for animation in sorted(below, key=lambda name: (_edge(character, name), _rank(manifest, name))):
        size = _edge(character, animation)
        block = [pose for pose in poses if pose.animation == animation]
        directions = list(dict.fromkeys(pose.direction for pose in block))
        for pose in block:
            places[pose] = pose.frame * size, bottom + directions.index(pose.direction) * size
            width = max(width, (pose.frame + 1) * size)
        bottom += len(directions) * size
    plane: Plane = np.zeros((bottom, width), np.uint8)
    for pose, x, y in [*extra, *((pose, *place) for pose, place in places.items())]:
        put(plane, character.frames[pose], x, y)
    frames = tuple(whole_frame(character, manifest, pose, *places[pose]) for pose in poses)
    return Sheet("lpc", plane, character.palette, frames, extra=tuple(extra))


def _cells(character: Character, manifest: Manifest, poses: list[Pose]) -> dict[Pose, tuple[int, int]]:
    """Pose -> ULPC column and row, for the frames of normal size that have a cell."""
    cells = {}
    for pose in poses:
        top, columns = CELLS.get(pose.animation, (0, {}))
        if pose.frame in columns and character.frames[pose].shape[0] == manifest.frame_size:
            single = len(manifest.animation(pose.animation).directions) == 1
            cells[pose] = columns[pose.frame], top + (0 if single else DIRECTIONS.index(pose.direction))
    return cells


def _standing(character: Character, manifest: Manifest, poses: list[Pose]) -> list[tuple[Pose, int, int]]:
    """The figure that stands in front of ULPC's walk: idle 0, or where that was not drawn walk 0."""
    edge = manifest.frame_size
    walks = any(pose.animation == "walk" for pose in poses)
    found = []
    for row, direction in enumerate(DIRECTIONS):
        standing = [pose for name in ("idle", "walk") if (pose := Pose(name, direction, 0)) in character.frames]
        if walks and standing and character.frames[standing[0]].shape[0] == edge:
            found.append((standing[0], 0, (CELLS["walk"][0] + row) * edge))
    return found


def _edge(character: Character, animation: str) -> int:
    return next(int(plane.shape[0]) for pose, plane in character.frames.items() if pose.animation == animation)


def _rank(manifest: Manifest, animation: str) -> int:
    return [a.id for a in manifest.animations].index(animation)
