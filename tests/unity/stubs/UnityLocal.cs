using System;

namespace UnityEngine
{
    public class TextAsset : Object // ScriptReference/TextAsset
    {
        public byte[] bytes { get { return null; } } // ScriptReference/TextAsset-bytes
    }
}

namespace UnityEngine.Scripting
{
    [AttributeUsage(AttributeTargets.Assembly)]
    public class AlwaysLinkAssemblyAttribute : Attribute // ScriptReference/Scripting.AlwaysLinkAssemblyAttribute
    {
    }
}
