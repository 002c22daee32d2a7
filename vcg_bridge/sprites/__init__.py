"""Layers to characters to files: compose, clean, recolour, effects, layouts, exports (OpenCV and numpy).

compose -> Character -> (effects) -> layout -> Sheet -> png, aseprite, godot; gif and contact straight from the Character;
writer puts all of it into a folder.
"""
