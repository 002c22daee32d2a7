using System.Collections.Generic;
using UnityEditor;
using UnityEngine;

namespace Vcg.Bridge.Editor
{
    /// <summary>Twelve variations to pick from, and the characters before.</summary>
    sealed class GalleryPanel
    {
        const float Cell = 72;

        public void Draw(Studio studio, NpcHistory history, Thumbnails thumbnails)
        {
            if (studio.Variations.Count > 0)
                Grid("Variations", studio.Variations, 6, "Pick variation", studio, thumbnails);
            if (history.Entries.Count > 0)
                Grid("History", history.Entries, 8, "Pick from history", studio, thumbnails);
        }

        static void Grid(string title, IReadOnlyList<NpcCharacter> characters, int columns, string step, Studio studio, Thumbnails thumbnails)
        {
            EditorGUILayout.LabelField(title, EditorStyles.boldLabel);
            var rows = (characters.Count + columns - 1) / columns;
            var area = GUILayoutUtility.GetRect(columns * Cell, rows * Cell, GUILayout.ExpandWidth(false));
            for (var i = 0; i < characters.Count; i++)
            {
                var character = characters[i];
                var cell = new Rect(area.x + i % columns * Cell, area.y + i / columns * Cell, Cell - 4, Cell - 4);
                if (GUI.Button(cell, new GUIContent("", character.Recipe.Archetype + " " + character.Recipe.Seed)))
                    NpcSession.Later(() => studio.Pick(character.Recipe, step));
                var face = thumbnails.Face(character);
                if (face != null)
                    GUI.DrawTexture(new Rect(cell.x + 2, cell.y + 2, cell.width - 4, cell.height - 4), face, ScaleMode.ScaleToFit, true);
            }
        }
    }
}
