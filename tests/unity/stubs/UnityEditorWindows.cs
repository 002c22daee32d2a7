using System;
using UnityEngine;
using Object = UnityEngine.Object;

namespace UnityEditor
{
    public class EditorWindow : ScriptableObject // ScriptReference/EditorWindow
    {
        public static T GetWindow<T>(string title) where T : EditorWindow { return null; } // ScriptReference/EditorWindow.GetWindow
        public Vector2 minSize { get; set; } // ScriptReference/EditorWindow-minSize
        public void Repaint() { } // ScriptReference/EditorWindow.Repaint
        public void ShowNotification(GUIContent notification) { } // ScriptReference/EditorWindow.ShowNotification
    }

    [AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
    public sealed class MenuItem : Attribute // ScriptReference/MenuItem
    {
        public MenuItem(string itemName) { } // ScriptReference/MenuItem-ctor
    }

    public class ScriptableSingleton<T> : ScriptableObject where T : ScriptableObject // ScriptReference/ScriptableSingleton_1
    {
        public static T instance { get { return null; } } // ScriptReference/ScriptableSingleton_1-instance
        protected virtual void Save(bool saveAsText) { } // ScriptReference/ScriptableSingleton_1.Save
    }

    [AttributeUsage(AttributeTargets.Class)]
    public class FilePathAttribute : Attribute // ScriptReference/FilePathAttribute
    {
        public enum Location // ScriptReference/FilePathAttribute.Location
        {
            PreferencesFolder, // ScriptReference/FilePathAttribute.Location.PreferencesFolder
            ProjectFolder, // ScriptReference/FilePathAttribute.Location.ProjectFolder
        }

        public FilePathAttribute(string relativePath, Location location) { } // ScriptReference/FilePathAttribute-ctor
    }

    public class Undo // ScriptReference/Undo
    {
        public delegate void UndoRedoCallback(); // ScriptReference/Undo.UndoRedoCallback
        public static UndoRedoCallback undoRedoPerformed; // ScriptReference/Undo-undoRedoPerformed
        public static void IncrementCurrentGroup() { } // ScriptReference/Undo.IncrementCurrentGroup
        public static void RecordObject(Object objectToUndo, string name) { } // ScriptReference/Undo.RecordObject
    }

    public static class AssemblyReloadEvents // ScriptReference/AssemblyReloadEvents
    {
        public delegate void AssemblyReloadCallback(); // ScriptReference/AssemblyReloadEvents.AssemblyReloadCallback
        public static event AssemblyReloadCallback beforeAssemblyReload { add { } remove { } } // ScriptReference/AssemblyReloadEvents-beforeAssemblyReload
    }

    public enum MessageType // ScriptReference/MessageType
    {
        Info = 1, // ScriptReference/MessageType.Info
        Warning = 2, // ScriptReference/MessageType.Warning
    }

    public sealed class EditorGUILayout // ScriptReference/EditorGUILayout
    {
        public static Rect BeginHorizontal(params GUILayoutOption[] options) { return default(Rect); } // ScriptReference/EditorGUILayout.BeginHorizontal
        public static Rect BeginHorizontal(GUIStyle style, params GUILayoutOption[] options) { return default(Rect); } // ScriptReference/EditorGUILayout.BeginHorizontal
        public static void EndHorizontal() { } // ScriptReference/EditorGUILayout.EndHorizontal
        public static Vector2 BeginScrollView(Vector2 scrollPosition, params GUILayoutOption[] options) { return default(Vector2); } // ScriptReference/EditorGUILayout.BeginScrollView
        public static void EndScrollView() { } // ScriptReference/EditorGUILayout.EndScrollView
        public static void Space() { } // ScriptReference/EditorGUILayout.Space
        public static void HelpBox(string message, MessageType type) { } // ScriptReference/EditorGUILayout.HelpBox
        public static void LabelField(string label, GUIStyle style, params GUILayoutOption[] options) { } // ScriptReference/EditorGUILayout.LabelField
        public static void LabelField(string label, string label2, params GUILayoutOption[] options) { } // ScriptReference/EditorGUILayout.LabelField
        public static int Popup(string label, int selectedIndex, string[] displayedOptions, params GUILayoutOption[] options) { return 0; } // ScriptReference/EditorGUILayout.Popup
        public static int Popup(GUIContent label, int selectedIndex, GUIContent[] displayedOptions, params GUILayoutOption[] options) { return 0; } // ScriptReference/EditorGUILayout.Popup
        public static Enum EnumPopup(string label, Enum selected, params GUILayoutOption[] options) { return selected; } // ScriptReference/EditorGUILayout.EnumPopup
        public static int IntSlider(GUIContent label, int value, int leftValue, int rightValue, params GUILayoutOption[] options) { return 0; } // ScriptReference/EditorGUILayout.IntSlider
        public static long LongField(string label, long value, params GUILayoutOption[] options) { return 0; } // ScriptReference/EditorGUILayout.LongField
        public static float DelayedFloatField(GUIContent label, float value, params GUILayoutOption[] options) { return 0; } // ScriptReference/EditorGUILayout.DelayedFloatField
        public static string DelayedTextField(string label, string text, params GUILayoutOption[] options) { return text; } // ScriptReference/EditorGUILayout.DelayedTextField
        public static string DelayedTextField(GUIContent label, string text, params GUILayoutOption[] options) { return text; } // ScriptReference/EditorGUILayout.DelayedTextField
        public static string PasswordField(GUIContent label, string password, params GUILayoutOption[] options) { return password; } // ScriptReference/EditorGUILayout.PasswordField
        public static bool Toggle(GUIContent label, bool value, params GUILayoutOption[] options) { return value; } // ScriptReference/EditorGUILayout.Toggle
        public static bool ToggleLeft(string label, bool value, params GUILayoutOption[] options) { return value; } // ScriptReference/EditorGUILayout.ToggleLeft
        public static bool Foldout(bool foldout, string content, bool toggleOnLabelClick) { return foldout; } // ScriptReference/EditorGUILayout.Foldout
    }

    public sealed class EditorGUI // ScriptReference/EditorGUI
    {
        public static int indentLevel { get; set; } // ScriptReference/EditorGUI-indentLevel
        public static void BeginChangeCheck() { } // ScriptReference/EditorGUI.BeginChangeCheck
        public static bool EndChangeCheck() { return false; } // ScriptReference/EditorGUI.EndChangeCheck
        public static void DrawRect(Rect rect, Color color) { } // ScriptReference/EditorGUI.DrawRect

        public class DisabledScope : GUI.Scope // ScriptReference/EditorGUI.DisabledScope
        {
            public DisabledScope(bool disabled) { } // ScriptReference/EditorGUI.DisabledScope-ctor
            protected override void CloseScope() { } // ScriptReference/GUI.Scope.CloseScope
        }
    }

    public sealed class EditorGUIUtility : GUIUtility // ScriptReference/EditorGUIUtility
    {
        public static void PingObject(Object obj) { } // ScriptReference/EditorGUIUtility.PingObject
    }

    public sealed class EditorStyles // ScriptReference/EditorStyles
    {
        public static GUIStyle boldLabel { get { return null; } } // ScriptReference/EditorStyles-boldLabel
        public static GUIStyle toolbar { get { return null; } } // ScriptReference/EditorStyles-toolbar
        public static GUIStyle toolbarButton { get { return null; } } // ScriptReference/EditorStyles-toolbarButton
        public static GUIStyle wordWrappedMiniLabel { get { return null; } } // ScriptReference/EditorStyles-wordWrappedMiniLabel
    }

    public class FileUtil // ScriptReference/FileUtil
    {
        public static string GetProjectRelativePath(string path) { return path; } // ScriptReference/FileUtil.GetProjectRelativePath
    }
}
