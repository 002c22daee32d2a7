using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using UnityEditor;
using UnityEngine;

namespace Vcg.Bridge.Editor
{
    /// <summary>Where and how a character is saved, and the saving.</summary>
    sealed class SavePanel
    {
        public void Draw(Studio studio)
        {
            var draft = studio.Draft;
            var state = NpcState.instance;
            EditorGUI.BeginChangeCheck();
            var name = EditorGUILayout.DelayedTextField(new GUIContent("Name", "Of the files. Empty: " + draft.SaveName), draft.FileName).Trim();
            if (EditorGUI.EndChangeCheck())
                NpcSession.Later(() => studio.Changing("Change name", x => x.FileName = name));
            EditorGUILayout.BeginHorizontal();
            EditorGUI.BeginChangeCheck();
            var folder = EditorGUILayout.DelayedTextField("Folder", draft.Folder).Trim();
            if (EditorGUI.EndChangeCheck())
                NpcSession.Later(() => studio.Changing("Change folder", x => x.Folder = folder));
            if (GUILayout.Button("...", GUILayout.Width(30)))
                NpcSession.Later(() => Browse(studio));
            EditorGUILayout.EndHorizontal();
            state.packed = EditorGUILayout.Toggle(new GUIContent("Packed sheet", "A tenth of the texture memory of plain rows"), state.packed);
            state.pixelsPerUnit = EditorGUILayout.DelayedFloatField(
                new GUIContent("Pixels per unit", "32: a floor tile of LPC is one unit"), state.pixelsPerUnit);
            state.pivot = (PivotPlace)EditorGUILayout.EnumPopup("Pivot", state.pivot);
            using (new EditorGUI.DisabledScope(draft.Recipe == null || !studio.IsReady))
                if (GUILayout.Button("Save into " + draft.Folder, GUILayout.Height(28)))
                    NpcSession.Later(studio.Save);
            var description = studio.Description;
            EditorGUILayout.LabelField(description.Attribution + ". " + description.Licence, EditorStyles.wordWrappedMiniLabel);
        }

        /// <summary>A complete character: the files are worked out in another thread, and written here.</summary>
        public void Save(Studio studio, NpcCharacter character, Action<string> done)
        {
            var description = studio.Description;
            var name = studio.Draft.SaveName;
            var folder = studio.Draft.Folder.TrimEnd('/');
            var options = NpcState.instance.SaveOptions;
            var animator = ControllerPlan.Of(description.Animations.Select(x => new AnimationSides(x.Id, x.Directions, x.Loop)));
            var wanted = studio.Draft.Animations;
            var model = new ModelCredit(
                description.Model, description.Title, description.Version, description.Licence, description.Attribution);
            var chosen = Chosen(character.Frames, description, wanted); // here, because the studio goes on
            var palette = character.Palette;
            var recipe = character.Recipe;
            var credits = character.Credits;
            Task.Run(() => SavePlan.Of(name, chosen, palette, recipe, credits, description.Attribution, options)).ContinueWith(planned => NpcSession.Later(() =>
            {
                if (planned.IsFaulted)
                    studio.Fail(Words(planned.Exception.InnerException));
                else
                    Write(studio, folder, planned.Result, animator, model, done);
            }));
        }

        static FrameSet Chosen(FrameSet frames, Description description, ICollection<string> wanted)
        {
            var chosen = new FrameSet();
            foreach (var animation in description.Animations.Select(x => x.Id).Where(id => wanted.Count == 0 || wanted.Contains(id)))
                if (frames.Animations.Any(timing => timing.Id == animation)) // the one that is only looked at is not saved
                    chosen.Add(frames.Timing(animation), frames.Of(animation));
            return chosen;
        }

        static void Write(Studio studio, string folder, SavePlan plan, ControllerPlan animator, ModelCredit model, Action<string> done)
        {
            try
            {
                var edited = CharacterSaver.Edited(folder, plan.Name);
                if (edited.Count > 0 && !EditorUtility.DisplayDialog(
                    "Overwrite what was changed?", string.Join("\n", edited) + "\n\nwas changed since it was saved here. Overwrite it?", "Overwrite", "Cancel"))
                    return;
                var outcome = CharacterSaver.Save(folder, plan, animator, model);
                EditorGUIUtility.PingObject(AssetDatabase.LoadAssetAtPath<GameObject>(outcome.Paths[0]));
                done(outcome.KeptClips.Count == 0
                    ? "Saved " + plan.Name
                    : "Saved " + plan.Name + ". Clips that you have changed were left: " + string.Join(", ", outcome.KeptClips));
            }
            catch (Exception error) when (error is IOException || error is UnauthorizedAccessException || error is VcgException)
            {
                studio.Fail(Words(error));
            }
        }

        static void Browse(Studio studio)
        {
            var path = EditorUtility.OpenFolderPanel("Folder for characters", studio.Draft.Folder, "");
            if (string.IsNullOrEmpty(path))
                return;
            var folder = FileUtil.GetProjectRelativePath(path);
            if (string.IsNullOrEmpty(folder))
                studio.Fail("That folder is not in this project.");
            else
                studio.Changing("Change folder", x => x.Folder = folder);
        }

        static string Words(Exception error)
        {
            var ours = error as VcgException;
            return ours == null ? error.Message : ours.Text;
        }
    }
}
