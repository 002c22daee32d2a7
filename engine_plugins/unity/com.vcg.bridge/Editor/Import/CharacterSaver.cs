using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using UnityEditor;
using UnityEngine;

namespace Vcg.Bridge.Editor
{
    /// <summary>What a save did.</summary>
    public sealed class SaveOutcome
    {
        /// <summary>Paths in the project of the character's assets, the prefab first.</summary>
        public IReadOnlyList<string> Paths { get; internal set; }

        /// <summary>Clips that somebody had worked on and that were left as they are.</summary>
        public IReadOnlyList<string> KeptClips { get; internal set; }
    }

    /// <summary>Writes a character into the project: sheet, sprites, clips, animator, prefab, recipe and credits.</summary>
    /// <remarks>Saving again under the same name keeps every reference: the files' GUIDs, the sprites' ids, the clips. What
    /// somebody has made of them stays: import settings, the prefab, events and curves in clips, changed clips, states of
    /// the shared animator. A sheet or a recipe that somebody has changed is overwritten only when told so, see Edited.</remarks>
    public static class CharacterSaver
    {
        /// <summary>Which files of that character somebody has changed since they were saved here.</summary>
        /// <param name="folder">in the project: "Assets/Characters"</param>
        /// <param name="name">of the character</param>
        public static List<string> Edited(string folder, string name)
        {
            var record = RecordOf(SheetPath(folder, name));
            var edited = new List<string>();
            foreach (var file in new[] { Key(SheetPath(folder, name), SavePlan.SheetKey), Key(RecipePath(folder, name), SavePlan.RecipeKey) })
                if (File.Exists(file.Key) && record.IsEdited(file.Value, SaveRecord.Fingerprint(File.ReadAllBytes(file.Key))))
                    edited.Add(file.Key);
            return edited;
        }

        /// <summary>Write everything. To be called on the main thread; the plan is made on another.</summary>
        /// <param name="folder">in the project; made if missing</param>
        /// <param name="plan">what to write</param>
        /// <param name="animator">the states of the animator that the model's characters share</param>
        /// <param name="model">of the character: name, title, version, licence</param>
        /// <exception cref="IOException">a file cannot be written</exception>
        public static SaveOutcome Save(string folder, SavePlan plan, ControllerPlan animator, ModelCredit model)
        {
            MakeFolder(folder);
            string sheet = SheetPath(folder, plan.Name), recipe = RecipePath(folder, plan.Name);
            var isNew = !File.Exists(sheet);
            var before = RecordOf(sheet);
            var importer = AssetImporter.GetAtPath(sheet);
            var userData = importer == null ? "" : importer.userData;
            AtomicFile.Write(sheet, plan.Png);
            AtomicFile.Write(recipe, plan.Recipe);
            WriteCredits(folder, plan, model);
            AssetDatabase.ImportAsset(sheet, ImportAssetOptions.ForceUpdate);
            AssetDatabase.ImportAsset(recipe, ImportAssetOptions.ForceUpdate);
            AssetDatabase.ImportAsset(folder + "/" + CreditsText.FileName, ImportAssetOptions.ForceUpdate);
            var sprites = SheetImport.Apply(sheet, isNew, plan, plan.Record.StoredIn(userData));
            var shared = ControllerImport.Shared(folder + "/" + model.Name + ".controller", animator);
            var overrides = folder + "/" + plan.Name + ".overrideController";
            var kept = ControllerImport.Overrides(overrides, shared, plan, sprites, before);
            var prefab = folder + "/" + plan.Name + ".prefab";
            if (AssetDatabase.LoadAssetAtPath<GameObject>(prefab) == null) // else it is its owner's
                MakePrefab(prefab, plan, sprites, AssetDatabase.LoadAssetAtPath<AnimatorOverrideController>(overrides));
            return new SaveOutcome { Paths = new[] { prefab, sheet, overrides, recipe }, KeptClips = kept };
        }

        static void MakePrefab(string path, SavePlan plan, IDictionary<string, Sprite> sprites, RuntimeAnimatorController animator)
        {
            var character = new GameObject(plan.Name);
            try
            {
                character.AddComponent<SpriteRenderer>().sprite = sprites[plan.Face];
                character.AddComponent<Animator>().runtimeAnimatorController = animator;
                PrefabUtility.SaveAsPrefabAsset(character, path);
            }
            finally
            {
                Object.DestroyImmediate(character);
            }
        }

        static void WriteCredits(string folder, SavePlan plan, ModelCredit model)
        {
            var path = folder + "/" + CreditsText.FileName;
            var existing = File.Exists(path) ? File.ReadAllText(path) : "";
            var text = CreditsText.Merge(existing, plan.Credits, model.Attribution, model.Licence, model.Text);
            if (text != existing)
                AtomicFile.Write(path, new UTF8Encoding(false).GetBytes(text));
        }

        /// <summary>Makes a folder of the project and those above it.</summary>
        static void MakeFolder(string folder)
        {
            if (AssetDatabase.IsValidFolder(folder))
                return;
            var cut = folder.LastIndexOf('/');
            if (cut < 0)
                throw new IOException("'" + folder + "' is not a folder of the project: it must begin with Assets/");
            MakeFolder(folder.Substring(0, cut));
            if (AssetDatabase.CreateFolder(folder.Substring(0, cut), folder.Substring(cut + 1)).Length == 0)
                throw new IOException("the folder '" + folder + "' cannot be made");
        }

        static SaveRecord RecordOf(string sheet)
        {
            var importer = AssetImporter.GetAtPath(sheet);
            return SaveRecord.Parse(importer == null ? "" : importer.userData);
        }

        static string SheetPath(string folder, string name)
        {
            return folder + "/" + name + ".png";
        }

        static string RecipePath(string folder, string name)
        {
            return folder + "/" + name + RecipeImporter.Suffix;
        }

        static KeyValuePair<string, string> Key(string path, string key)
        {
            return new KeyValuePair<string, string>(path, key);
        }
    }
}
