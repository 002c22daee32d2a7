using System;
using System.IO;
using System.Linq;
using UnityEditor;
using UnityEditor.AssetImporters;
using UnityEngine;

namespace Vcg.Bridge.Editor
{
    /// <summary>Makes a recipe asset of NAME.vcg.json.</summary>
    /// <remarks>Only Unity 6000.3 and newer take "vcg.json" as an extension; before that an importer sees "json", which is
    /// Unity's own for text. So this one offers itself for such files without taking them, and RecipePostprocessor chooses it
    /// for those that end in .vcg.json.</remarks>
    [ScriptedImporter(1, new string[0], new[] { "json", "vcg.json" })]
    public sealed class RecipeImporter : ScriptedImporter
    {
        /// <summary>What a recipe's file name ends with.</summary>
        public const string Suffix = ".vcg.json";

        /// <summary>Called by Unity.</summary>
        public override void OnImportAsset(AssetImportContext context)
        {
            var asset = ScriptableObject.CreateInstance<VcgRecipeAsset>();
            asset.name = Path.GetFileName(context.assetPath).Replace(Suffix, "");
            try
            {
                asset.Set(File.ReadAllBytes(context.assetPath), Path.GetFileName(context.assetPath));
            }
            catch (VcgException error)
            {
                context.LogImportError(error.Text, asset);
            }
            context.AddObjectToAsset("recipe", asset);
            context.SetMainObject(asset);
        }
    }

    /// <summary>Chooses the importer of recipes for files that come into the project, by whatever way.</summary>
    sealed class RecipePostprocessor : AssetPostprocessor
    {
        static void OnPostprocessAllAssets(string[] imported, string[] deleted, string[] moved, string[] movedFrom)
        {
            var recipes = imported.Concat(moved).Where(IsOurs).Distinct().ToArray();
            if (recipes.Length == 0)
                return;
            EditorApplication.delayCall += () => // an import cannot be started in the middle of one
            {
                foreach (var path in recipes)
                    if (File.Exists(path) && AssetDatabase.GetImporterOverride(path) == null)
                        AssetDatabase.SetImporterOverride<RecipeImporter>(path);
            };
        }

        static bool IsOurs(string path)
        {
            return path.StartsWith("Assets/", StringComparison.Ordinal)
                && path.EndsWith(RecipeImporter.Suffix, StringComparison.OrdinalIgnoreCase);
        }
    }
}
