using UnityEditor;
using UnityEngine;

namespace Vcg.Bridge.Editor
{
    /// <summary>What the window remembers: over domain reloads, and in the project's folder UserSettings for the next day.</summary>
    [FilePath("UserSettings/VcgBridge.asset", FilePathAttribute.Location.ProjectFolder)]
    sealed class NpcState : ScriptableSingleton<NpcState>
    {
        public string address = Vocabulary.DefaultAddress;
        public string token = "";
        public string certificatePin = "";
        public string program = "";
        public bool startServer = true;

        public string draft = "";
        public string history = "";
        public string seen = "";
        public bool unfinished;

        public bool packed = true;
        public float pixelsPerUnit = 32;
        public PivotPlace pivot = PivotPlace.Feet;

        /// <summary>Write the file.</summary>
        public void Keep()
        {
            Save(true);
        }

        /// <summary>How characters are saved.</summary>
        public SaveOptions SaveOptions
        {
            get { return new SaveOptions { Packed = packed, PixelsPerUnit = pixelsPerUnit, Pivot = pivot }; }
        }
    }
}
