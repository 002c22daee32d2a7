using System;
using UnityEngine;
using Object = UnityEngine.Object;

namespace UnityEditor
{
    public sealed class AssetDatabase // ScriptReference/AssetDatabase
    {
        public static string[] FindAssets(string filter) { return null; } // ScriptReference/AssetDatabase.FindAssets
        public static string GUIDToAssetPath(string guid) { return ""; } // ScriptReference/AssetDatabase.GUIDToAssetPath
        public static void Refresh(ImportAssetOptions options = ImportAssetOptions.Default) { } // ScriptReference/AssetDatabase.Refresh
        public static void ImportAsset(string path, ImportAssetOptions options) { } // ScriptReference/AssetDatabase.ImportAsset
        public static T LoadAssetAtPath<T>(string assetPath) where T : Object { return null; } // ScriptReference/AssetDatabase.LoadAssetAtPath
        public static Object[] LoadAllAssetsAtPath(string assetPath) { return null; } // ScriptReference/AssetDatabase.LoadAllAssetsAtPath
        public static Object[] LoadAllAssetRepresentationsAtPath(string assetPath) { return null; } // ScriptReference/AssetDatabase.LoadAllAssetRepresentationsAtPath
        public static void CreateAsset(Object asset, string path) { } // ScriptReference/AssetDatabase.CreateAsset
        public static void AddObjectToAsset(Object objectToAdd, Object assetObject) { } // ScriptReference/AssetDatabase.AddObjectToAsset
        public static void SaveAssetIfDirty(Object obj) { } // ScriptReference/AssetDatabase.SaveAssetIfDirty
        public static bool IsValidFolder(string path) { return false; } // ScriptReference/AssetDatabase.IsValidFolder
        public static string CreateFolder(string parentFolder, string newFolderName) { return ""; } // ScriptReference/AssetDatabase.CreateFolder
        public static bool DeleteAsset(string path) { return false; } // ScriptReference/AssetDatabase.DeleteAsset
        public static bool TryGetGUIDAndLocalFileIdentifier(Object obj, out string guid, out long localId) { guid = ""; localId = 0; return false; } // ScriptReference/AssetDatabase.TryGetGUIDAndLocalFileIdentifier
        public static Type GetImporterOverride(string path) { return null; } // ScriptReference/AssetDatabase.GetImporterOverride
        public static void SetImporterOverride<T>(string path) where T : AssetImporters.ScriptedImporter { } // ScriptReference/AssetDatabase.SetImporterOverride
    }

    [Flags]
    public enum ImportAssetOptions // ScriptReference/ImportAssetOptions
    {
        Default = 0, // ScriptReference/ImportAssetOptions.Default
        ForceUpdate = 1, // ScriptReference/ImportAssetOptions.ForceUpdate
    }

    public class AssetImporter : Object // ScriptReference/AssetImporter
    {
        public string assetPath { get { return ""; } } // ScriptReference/AssetImporter-assetPath
        public string userData { get; set; } // ScriptReference/AssetImporter-userData
        public static AssetImporter GetAtPath(string path) { return null; } // ScriptReference/AssetImporter.GetAtPath
        public void SaveAndReimport() { } // ScriptReference/AssetImporter.SaveAndReimport
    }

    public sealed class TextureImporter : AssetImporter // ScriptReference/TextureImporter
    {
        public TextureImporterType textureType { get; set; } // ScriptReference/TextureImporter-textureType
        public SpriteImportMode spriteImportMode { get; set; } // ScriptReference/TextureImporter-spriteImportMode
        public float spritePixelsPerUnit { get; set; } // ScriptReference/TextureImporter-spritePixelsPerUnit
        public FilterMode filterMode { get; set; } // ScriptReference/TextureImporter-filterMode
        public TextureImporterCompression textureCompression { get; set; } // ScriptReference/TextureImporter-textureCompression
        public bool mipmapEnabled { get; set; } // ScriptReference/TextureImporter-mipmapEnabled
        public TextureWrapMode wrapMode { get; set; } // ScriptReference/TextureImporter-wrapMode
        public TextureImporterNPOTScale npotScale { get; set; } // ScriptReference/TextureImporter-npotScale
        public TextureImporterAlphaSource alphaSource { get; set; } // ScriptReference/TextureImporter-alphaSource
        public bool alphaIsTransparency { get; set; } // ScriptReference/TextureImporter-alphaIsTransparency
        public bool sRGBTexture { get; set; } // ScriptReference/TextureImporter-sRGBTexture
        public bool isReadable { get; set; } // ScriptReference/TextureImporter-isReadable
        public int maxTextureSize { get; set; } // ScriptReference/TextureImporter-maxTextureSize
        public void ReadTextureSettings(TextureImporterSettings dest) { } // ScriptReference/TextureImporter.ReadTextureSettings
        public void SetTextureSettings(TextureImporterSettings src) { } // ScriptReference/TextureImporter.SetTextureSettings
    }

    public sealed class TextureImporterSettings // ScriptReference/TextureImporterSettings
    {
        public SpriteMeshType spriteMeshType { get; set; } // ScriptReference/TextureImporterSettings-spriteMeshType
        public bool spriteGenerateFallbackPhysicsShape { get; set; } // ScriptReference/TextureImporterSettings-spriteGenerateFallbackPhysicsShape
    }

    public enum TextureImporterType // ScriptReference/TextureImporterType
    {
        Sprite = 8, // ScriptReference/TextureImporterType.Sprite
    }

    public enum SpriteImportMode // ScriptReference/SpriteImportMode
    {
        Multiple = 2, // ScriptReference/SpriteImportMode.Multiple
    }

    public enum TextureImporterCompression // ScriptReference/TextureImporterCompression
    {
        Uncompressed = 0, // ScriptReference/TextureImporterCompression.Uncompressed
    }

    public enum TextureImporterNPOTScale // ScriptReference/TextureImporterNPOTScale
    {
        None = 0, // ScriptReference/TextureImporterNPOTScale.None
    }

    public enum TextureImporterAlphaSource // ScriptReference/TextureImporterAlphaSource
    {
        FromInput = 1, // ScriptReference/TextureImporterAlphaSource.FromInput
    }

    public class AssetPostprocessor // ScriptReference/AssetPostprocessor
    {
    }

    public struct GUID // ScriptReference/GUID
    {
        public GUID(string hexRepresentation) { } // ScriptReference/GUID-ctor
        public override string ToString() { return ""; } // ScriptReference/GUID.ToString
    }

    public struct EditorCurveBinding // ScriptReference/EditorCurveBinding
    {
        public static EditorCurveBinding PPtrCurve(string inPath, Type inType, string inPropertyName) { return default(EditorCurveBinding); } // ScriptReference/EditorCurveBinding.PPtrCurve
    }

    public struct ObjectReferenceKeyframe // ScriptReference/ObjectReferenceKeyframe
    {
        public float time; // ScriptReference/ObjectReferenceKeyframe-time
        public Object value; // ScriptReference/ObjectReferenceKeyframe-value
    }

    public class AnimationUtility // ScriptReference/AnimationUtility
    {
        public static void SetObjectReferenceCurve(AnimationClip clip, EditorCurveBinding binding, ObjectReferenceKeyframe[] keyframes) { } // ScriptReference/AnimationUtility.SetObjectReferenceCurve
        public static ObjectReferenceKeyframe[] GetObjectReferenceCurve(AnimationClip clip, EditorCurveBinding binding) { return null; } // ScriptReference/AnimationUtility.GetObjectReferenceCurve
        public static AnimationClipSettings GetAnimationClipSettings(AnimationClip clip) { return null; } // ScriptReference/AnimationUtility.GetAnimationClipSettings
        public static void SetAnimationClipSettings(AnimationClip clip, AnimationClipSettings srcClipInfo) { } // ScriptReference/AnimationUtility.SetAnimationClipSettings
    }

    public class AnimationClipSettings // ScriptReference/AnimationClipSettings
    {
        public bool loopTime { get; set; } // ScriptReference/AnimationClipSettings-loopTime
    }

    public sealed class PrefabUtility // ScriptReference/PrefabUtility
    {
        public static GameObject SaveAsPrefabAsset(GameObject instanceRoot, string assetPath) { return null; } // ScriptReference/PrefabUtility.SaveAsPrefabAsset
    }

    public sealed class EditorApplication // ScriptReference/EditorApplication
    {
        public delegate void CallbackFunction(); // ScriptReference/EditorApplication.CallbackFunction
        public static CallbackFunction delayCall; // ScriptReference/EditorApplication-delayCall
        public static CallbackFunction update; // ScriptReference/EditorApplication-update
        public static event Action quitting { add { } remove { } } // ScriptReference/EditorApplication-quitting
        public static double timeSinceStartup { get { return 0; } } // ScriptReference/EditorApplication-timeSinceStartup
    }

    public sealed class EditorUtility // ScriptReference/EditorUtility
    {
        public static void SetDirty(Object target) { } // ScriptReference/EditorUtility.SetDirty
        public static bool DisplayDialog(string title, string message, string ok, string cancel) { return false; } // ScriptReference/EditorUtility.DisplayDialog
        public static string OpenFilePanel(string title, string directory, string extension) { return ""; } // ScriptReference/EditorUtility.OpenFilePanel
        public static string OpenFolderPanel(string title, string folder, string defaultName) { return ""; } // ScriptReference/EditorUtility.OpenFolderPanel
    }
}

namespace UnityEditor.AssetImporters
{
    public class AssetImportContext // ScriptReference/AssetImporters.AssetImportContext
    {
        public string assetPath { get { return ""; } } // ScriptReference/AssetImporters.AssetImportContext-assetPath
        public void AddObjectToAsset(string identifier, Object obj) { } // ScriptReference/AssetImporters.AssetImportContext.AddObjectToAsset
        public void SetMainObject(Object obj) { } // ScriptReference/AssetImporters.AssetImportContext.SetMainObject
        public void LogImportError(string msg, Object obj = null) { } // ScriptReference/AssetImporters.AssetImportContext.LogImportError
    }

    public abstract class ScriptedImporter : AssetImporter // ScriptReference/AssetImporters.ScriptedImporter
    {
        public abstract void OnImportAsset(AssetImportContext ctx); // ScriptReference/AssetImporters.ScriptedImporter.OnImportAsset
    }

    [AttributeUsage(AttributeTargets.Class, Inherited = false)]
    public class ScriptedImporterAttribute : Attribute // ScriptReference/AssetImporters.ScriptedImporterAttribute
    {
        public ScriptedImporterAttribute(int version, string[] exts, string[] overrideExts) { } // ScriptReference/AssetImporters.ScriptedImporterAttribute-ctor
    }
}
