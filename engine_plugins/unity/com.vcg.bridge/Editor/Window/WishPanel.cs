using System;
using System.Collections.Generic;
using System.Linq;
using UnityEditor;
using UnityEngine;

namespace Vcg.Bridge.Editor
{
    /// <summary>What to draw from: archetype, body, seed, novelty, animations.</summary>
    sealed class WishPanel
    {
        bool animationsOpen;

        public void Draw(Studio studio)
        {
            var draft = studio.Draft;
            var description = studio.Description;
            Choose("Archetype", draft.Archetype, description.Archetypes.Select(x => x.Id), description.Archetypes.Select(x => x.Title),
                chosen => studio.Changing("Change archetype", x => x.Archetype = chosen));
            if (description.Bodies.Count > 1)
                Choose("Body", draft.Body, description.Bodies, description.Bodies, chosen => studio.Changing("Change body", x => x.Body = chosen));
            EditorGUILayout.BeginHorizontal();
            EditorGUI.BeginChangeCheck();
            var seed = EditorGUILayout.LongField("Seed", draft.Seed);
            if (EditorGUI.EndChangeCheck() && seed >= 0)
                NpcSession.Later(() => studio.Changing("Change seed", x => x.Seed = seed));
            if (GUILayout.Button(new GUIContent("Dice", "Another seed; locked layers stay"), GUILayout.Width(50)))
                NpcSession.Later(studio.Reroll);
            EditorGUILayout.EndHorizontal();
            EditorGUI.BeginChangeCheck();
            var novelty = EditorGUILayout.IntSlider(
                new GUIContent("Novelty %", "0: items as the artists drew them; 100: freely mixed"), draft.Novelty, 0, Vocabulary.MaxNovelty);
            if (EditorGUI.EndChangeCheck())
                NpcSession.Later(() => studio.SetNovelty(novelty));
            DrawAnimations(studio);
            EditorGUILayout.BeginHorizontal();
            using (new EditorGUI.DisabledScope(!studio.IsReady))
            {
                if (GUILayout.Button("Generate", GUILayout.Height(28)))
                    NpcSession.Later(studio.Generate);
                if (GUILayout.Button("Variations", GUILayout.Height(28)))
                    NpcSession.Later(studio.MakeVariations);
            }
            using (new EditorGUI.DisabledScope(!studio.IsBusy))
                if (GUILayout.Button("Stop", GUILayout.Height(28), GUILayout.Width(60)))
                    NpcSession.Later(studio.Cancel);
            EditorGUILayout.EndHorizontal();
        }

        void DrawAnimations(Studio studio)
        {
            var all = studio.Description.Animations;
            var wanted = studio.Draft.Animations;
            animationsOpen = EditorGUILayout.Foldout(animationsOpen, wanted.Count == 0 ? "Animations: all" : "Animations: " + wanted.Count, true);
            if (!animationsOpen)
                return;
            foreach (var animation in all)
            {
                var id = animation.Id;
                var was = wanted.Count == 0 || wanted.Contains(id);
                if (EditorGUILayout.ToggleLeft(animation.Title, was) != was)
                    NpcSession.Later(() => studio.Changing("Choose animations", draft => Toggle(draft.Animations, all.Select(x => x.Id).ToList(), id)));
            }
        }

        /// <summary>None says all, so that a model's new animations are made too.</summary>
        static void Toggle(ISet<string> wanted, IReadOnlyCollection<string> all, string id)
        {
            if (wanted.Count == 0)
                wanted.UnionWith(all);
            if (!wanted.Remove(id))
                wanted.Add(id);
            if (wanted.Count == all.Count)
                wanted.Clear();
        }

        /// <summary>A popup whose first entry is "any".</summary>
        static void Choose(string label, string now, IEnumerable<string> ids, IEnumerable<string> titles, Action<string> chosen)
        {
            var values = new[] { "" }.Concat(ids).ToList();
            var names = new[] { "any" }.Concat(titles).Select(Plain).ToArray();
            EditorGUI.BeginChangeCheck();
            var index = EditorGUILayout.Popup(label, Mathf.Max(0, values.IndexOf(now)), names);
            if (EditorGUI.EndChangeCheck())
                NpcSession.Later(() => chosen(values[index]));
        }

        /// <summary>A popup makes a submenu of what has a slash in it.</summary>
        internal static string Plain(string title)
        {
            return title.Replace('/', '\u2215');
        }
    }
}
