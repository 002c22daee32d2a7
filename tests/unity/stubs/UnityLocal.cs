using System;

namespace UnityEngine
{
    public class TextAsset : Object // ScriptReference/TextAsset
    {
        public byte[] bytes { get { return null; } } // ScriptReference/TextAsset-bytes
    }
}

namespace UnityEngine
{
    public class Transform : Component // ScriptReference/Transform
    {
        public Vector3 position { get; set; } // ScriptReference/Transform-position
        public void SetParent(Transform p) { } // ScriptReference/Transform.SetParent
    }

    public sealed class Camera : Behaviour // ScriptReference/Camera
    {
        public static Camera main { get { return null; } } // ScriptReference/Camera-main
        public bool orthographic { get; set; } // ScriptReference/Camera-orthographic
        public float orthographicSize { get; set; } // ScriptReference/Camera-orthographicSize
        public Color backgroundColor { get; set; } // ScriptReference/Camera-backgroundColor
        public CameraClearFlags clearFlags { get; set; } // ScriptReference/Camera-clearFlags
    }

    public enum CameraClearFlags // ScriptReference/CameraClearFlags
    {
        SolidColor = 2, // ScriptReference/CameraClearFlags.SolidColor
    }
}

namespace UnityEngine.Scripting
{
    [AttributeUsage(AttributeTargets.Assembly)]
    public class AlwaysLinkAssemblyAttribute : Attribute // ScriptReference/Scripting.AlwaysLinkAssemblyAttribute
    {
    }
}
