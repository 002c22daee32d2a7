using UnityEditor;
using UnityEngine;
using Vcg.Bridge.Local;

namespace Vcg.Bridge.Samples
{
    /// <summary>GameObject > VCG Bridge > Village: puts the sample into the open scene.</summary>
    internal static class VillageMenu
    {
        [MenuItem("GameObject/VCG Bridge/Village, drawn in the game")]
        static void MakeLocal()
        {
            var place = new GameObject("Village");
            place.AddComponent<VcgLocalGenerator>().Bundle = AnyBundle();
            place.AddComponent<Village>();
            EditorUtility.SetDirty(place);
        }

        [MenuItem("GameObject/VCG Bridge/Village, drawn by a server")]
        static void MakeServed()
        {
            var place = new GameObject("Village");
            place.AddComponent<VcgClientBehaviour>();
            place.AddComponent<Village>();
            EditorUtility.SetDirty(place);
        }

        static VcgBundle AnyBundle()
        {
            foreach (string guid in AssetDatabase.FindAssets("t:VcgBundle"))
                return AssetDatabase.LoadAssetAtPath<VcgBundle>(AssetDatabase.GUIDToAssetPath(guid));
            return null; // the component says what to do
        }
    }
}
