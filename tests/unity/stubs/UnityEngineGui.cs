using System;

namespace UnityEngine
{
    public class GUIContent // ScriptReference/GUIContent
    {
        public GUIContent(string text) { } // ScriptReference/GUIContent-ctor
        public GUIContent(string text, string tooltip) { } // ScriptReference/GUIContent-ctor
    }

    public sealed class GUIStyle // ScriptReference/GUIStyle
    {
        public static implicit operator GUIStyle(string str) { return null; } // ScriptReference/GUIStyle-operator_string
    }

    public sealed class GUILayoutOption // ScriptReference/GUILayoutOption
    {
    }

    public class GUILayout // ScriptReference/GUILayout
    {
        public static void Label(GUIContent content, params GUILayoutOption[] options) { } // ScriptReference/GUILayout.Label
        public static bool Button(string text, params GUILayoutOption[] options) { return false; } // ScriptReference/GUILayout.Button
        public static bool Button(GUIContent content, params GUILayoutOption[] options) { return false; } // ScriptReference/GUILayout.Button
        public static bool Button(string text, GUIStyle style, params GUILayoutOption[] options) { return false; } // ScriptReference/GUILayout.Button
        public static bool Toggle(bool value, string text, GUIStyle style, params GUILayoutOption[] options) { return value; } // ScriptReference/GUILayout.Toggle
        public static bool Toggle(bool value, GUIContent content, params GUILayoutOption[] options) { return value; } // ScriptReference/GUILayout.Toggle
        public static void FlexibleSpace() { } // ScriptReference/GUILayout.FlexibleSpace
        public static GUILayoutOption Width(float width) { return null; } // ScriptReference/GUILayout.Width
        public static GUILayoutOption Height(float height) { return null; } // ScriptReference/GUILayout.Height
        public static GUILayoutOption ExpandWidth(bool expand) { return null; } // ScriptReference/GUILayout.ExpandWidth
    }

    public class GUILayoutUtility // ScriptReference/GUILayoutUtility
    {
        public static Rect GetRect(float width, float height, params GUILayoutOption[] options) { return default(Rect); } // ScriptReference/GUILayoutUtility.GetRect
    }

    public class GUI // ScriptReference/GUI
    {
        public static bool Button(Rect position, GUIContent content) { return false; } // ScriptReference/GUI.Button
        public static void DrawTexture(Rect position, Texture image, ScaleMode scaleMode, bool alphaBlend) { } // ScriptReference/GUI.DrawTexture

        public abstract class Scope : IDisposable // ScriptReference/GUI.Scope
        {
            protected abstract void CloseScope(); // ScriptReference/GUI.Scope.CloseScope
            public void Dispose() { } // ScriptReference/GUI.Scope
        }
    }

    public class GUIUtility // ScriptReference/GUIUtility
    {
        public static int hotControl { get; set; } // ScriptReference/GUIUtility-hotControl
    }

    public enum ScaleMode // ScriptReference/ScaleMode
    {
        StretchToFill = 0, // ScriptReference/ScaleMode.StretchToFill
        ScaleToFit = 2, // ScriptReference/ScaleMode.ScaleToFit
    }

    public sealed class Event // ScriptReference/Event
    {
        public static Event current { get; set; } // ScriptReference/Event-current
        public EventType type { get; set; } // ScriptReference/Event-type
    }

    public enum EventType // ScriptReference/EventType
    {
        Repaint = 7, // ScriptReference/EventType.Repaint
    }

    public enum RuntimePlatform // ScriptReference/RuntimePlatform
    {
        WindowsEditor = 7, // ScriptReference/RuntimePlatform.WindowsEditor
    }
}
