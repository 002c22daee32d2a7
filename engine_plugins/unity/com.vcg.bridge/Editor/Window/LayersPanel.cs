using System.Collections.Generic;
using System.Linq;
using UnityEditor;
using UnityEngine;

namespace Vcg.Bridge.Editor
{
    /// <summary>The character layer by layer: lock, item, colours, sliders.</summary>
    sealed class LayersPanel
    {
        public void Draw(Studio studio)
        {
            EditorGUILayout.Space();
            using (new EditorGUI.DisabledScope(studio.Draft.Recipe == null))
                foreach (var layer in studio.Description.Layers)
                    DrawLayer(studio, layer);
        }

        static void DrawLayer(Studio studio, LayerInfo layer)
        {
            var recipe = studio.Draft.Recipe;
            EditorGUILayout.BeginHorizontal();
            var locked = studio.Draft.Locks.Contains(layer.Id);
            if (GUILayout.Toggle(locked, new GUIContent("", "Locked: stays when the rest is drawn anew"), GUILayout.Width(18)) != locked)
                NpcSession.Later(() => studio.SetLock(layer.Id, !locked));
            DrawItem(studio, layer, recipe);
            if (GUILayout.Button(new GUIContent("Re-roll", "Draw only this anew"), GUILayout.Width(56)))
                NpcSession.Later(() => studio.RerollLayer(layer.Id));
            EditorGUILayout.EndHorizontal();
            if (recipe == null || !recipe.Layers.ContainsKey(layer.Id))
                return;
            EditorGUI.indentLevel += 2;
            foreach (var material in Choices.OwnMaterials(studio.Description, layer))
                DrawRamp(studio, material, recipe);
            foreach (var control in Choices.Controls(layer, recipe))
                DrawControl(studio, layer, control);
            EditorGUI.indentLevel -= 2;
        }

        static void DrawItem(Studio studio, LayerInfo layer, Recipe recipe)
        {
            LayerChoice choice = null;
            if (recipe != null)
                recipe.Layers.TryGetValue(layer.Id, out choice);
            var ids = new List<string>();
            var titles = new List<string>();
            if (!layer.Required)
            {
                ids.Add(null);
                titles.Add("none");
            }
            foreach (var item in Choices.Items(studio.Description, layer, recipe))
            {
                ids.Add(item.Id);
                titles.Add(item.Title);
            }
            var plain = choice != null && choice.Mix.Length == 0 && choice.Code == null;
            var now = ids.IndexOf(choice == null ? null : choice.Item);
            if (choice != null && (!plain || now < 0)) // what it wears is no plain item: it stands above the items
            {
                ids.Insert(0, choice.Item);
                titles.Insert(0, Choices.WordsFor(layer, recipe));
                now = 0;
            }
            var hidden = Choices.HiddenBy(studio.Description, layer, recipe);
            var label = new GUIContent(layer.Title, hidden.Length == 0 ? "" : "Hidden under: " + hidden);
            EditorGUI.BeginChangeCheck();
            var index = EditorGUILayout.Popup(label, now, titles.Select(x => new GUIContent(WishPanel.Plain(x))).ToArray());
            if (EditorGUI.EndChangeCheck() && index >= 0)
                NpcSession.Later(() => studio.SetItem(layer.Id, ids[index]));
        }

        static void DrawRamp(Studio studio, MaterialInfo material, Recipe recipe)
        {
            string now;
            IReadOnlyList<RampInfo> ramps;
            if (!recipe.Ramps.TryGetValue(material.Group, out now) || !studio.Description.Ramps.TryGetValue(material.Kind, out ramps))
                return;
            var ids = ramps.Select(x => x.Id).ToList();
            EditorGUILayout.BeginHorizontal();
            EditorGUI.BeginChangeCheck();
            var index = EditorGUILayout.Popup(material.Group, ids.IndexOf(now), ramps.Select(x => WishPanel.Plain(x.Title)).ToArray());
            if (EditorGUI.EndChangeCheck() && index >= 0)
                NpcSession.Later(() => studio.SetRamp(material.Group, ids[index]));
            var shown = ramps.FirstOrDefault(x => x.Id == now);
            if (shown != null)
                DrawColours(shown.Colours);
            EditorGUILayout.EndHorizontal();
        }

        static void DrawColours(byte[] colours)
        {
            var count = colours.Length / 3;
            var area = GUILayoutUtility.GetRect(56, 16, GUILayout.Width(56));
            for (var i = 0; i < count; i++)
            {
                var part = new Rect(area.x + area.width * i / count, area.y + 2, area.width / count + 1, area.height - 4);
                EditorGUI.DrawRect(part, new Color(colours[i * 3] / 255f, colours[i * 3 + 1] / 255f, colours[i * 3 + 2] / 255f));
            }
        }

        static void DrawControl(Studio studio, LayerInfo layer, ControlInfo control)
        {
            var key = layer.Id + "/" + control.Id;
            int now;
            studio.Draft.Controls.TryGetValue(key, out now);
            EditorGUI.BeginChangeCheck();
            var label = new GUIContent(control.Title, "From " + control.Low + " to " + control.High);
            var percent = EditorGUILayout.IntSlider(label, now, -Vocabulary.MaxControl, Vocabulary.MaxControl);
            if (EditorGUI.EndChangeCheck())
                NpcSession.Later(() => studio.SetControl(key, percent));
        }
    }
}
