using System;
using System.Collections.Generic;
using System.IO;
using UnityEditor;
using UnityEngine;

namespace Vcg.Bridge.Local
{
    /// <summary>Assets > VCG Bridge > Add Bundle to Game: from a bundle's folder to a VcgBundle asset.</summary>
    internal static class BundleMenu
    {
        const string Folder = "Assets/VCG Bridge/Bundles";

        [MenuItem("Assets/VCG Bridge/Add Bundle to Game...")]
        static void Ask()
        {
            string folder = EditorUtility.OpenFolderPanel("The bundle's folder (it holds manifest.json)", "", "");
            if (string.IsNullOrEmpty(folder))
                return;
            try
            {
                VcgBundle asset = Add(folder);
                EditorUtility.DisplayDialog(
                    "VCG Bridge", "The game can draw characters with " + asset.name
                    + " now. It must show the bundle's credits: VcgLocalGenerator.Credits() gives them.", "OK", "");
            }
            catch (VcgException error)
            {
                EditorUtility.DisplayDialog("VCG Bridge", error.Text, "OK", "");
            }
            catch (IOException error)
            {
                EditorUtility.DisplayDialog("VCG Bridge", error.Message, "OK", "");
            }
        }

        /// <summary>Check a bundle, copy what a game needs of it, and make or renew its asset.</summary>
        internal static VcgBundle Add(string folder)
        {
            Bundle bundle = Bundle.Open(BundleFiles.FromFolder(folder));
            string target = Folder + "/" + bundle.Manifest.Name;
            IList<InstalledFile> files = BundleInstall.Plan(bundle, true);
            BundleInstall.Write(bundle, files, target);
            AssetDatabase.Refresh();
            var bytes = new Dictionary<string, TextAsset>();
            var models = new Dictionary<string, UnityEngine.Object>();
            foreach (InstalledFile file in files)
            {
                string path = target + "/" + file.Asset;
                if (file.Network == null)
                    bytes.Add(file.Path, AssetDatabase.LoadAssetAtPath<TextAsset>(path));
                else if (IsModel(AssetDatabase.LoadAssetAtPath<UnityEngine.Object>(path)))
                    models.Add(file.Network, AssetDatabase.LoadAssetAtPath<UnityEngine.Object>(path));
                else
                    AssetDatabase.DeleteAsset(path); // without the inference package the bytes are enough
            }
            string assetPath = target + "/" + bundle.Manifest.Name + ".asset";
            var asset = AssetDatabase.LoadAssetAtPath<VcgBundle>(assetPath);
            if (asset == null)
            {
                asset = ScriptableObject.CreateInstance<VcgBundle>();
                AssetDatabase.CreateAsset(asset, assetPath);
            }
            asset.Set(bytes, models);
            EditorUtility.SetDirty(asset);
            AssetDatabase.SaveAssetIfDirty(asset);
            return asset;
        }

        static bool IsModel(UnityEngine.Object asset)
        {
            return asset != null && asset.GetType().Name == "ModelAsset";
        }
    }
}
