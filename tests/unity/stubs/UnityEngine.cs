using System;
using System.Collections.Generic;

namespace UnityEngine
{
    public class Object // ScriptReference/Object
    {
        public string name { get; set; } // ScriptReference/Object-name
        public HideFlags hideFlags { get; set; } // ScriptReference/Object-hideFlags
        public static void Destroy(Object obj) { } // ScriptReference/Object.Destroy
        public static void DestroyImmediate(Object obj) { } // ScriptReference/Object.DestroyImmediate
        public static implicit operator bool(Object exists) { return exists != null; } // ScriptReference/Object-operator_Object
        public static bool operator ==(Object x, Object y) { return ReferenceEquals(x, y); } // ScriptReference/Object-operator_eq
        public static bool operator !=(Object x, Object y) { return !ReferenceEquals(x, y); } // ScriptReference/Object-operator_ne
        public override bool Equals(object other) { return ReferenceEquals(this, other); } // ScriptReference/Object
        public override int GetHashCode() { return 0; } // ScriptReference/Object
    }

    [Flags]
    public enum HideFlags // ScriptReference/HideFlags
    {
        None = 0, // ScriptReference/HideFlags.None
        HideAndDontSave = 61, // ScriptReference/HideFlags.HideAndDontSave
        DontSave = 52, // ScriptReference/HideFlags.DontSave
    }

    public class ScriptableObject : Object // ScriptReference/ScriptableObject
    {
        public static T CreateInstance<T>() where T : ScriptableObject { return null; } // ScriptReference/ScriptableObject.CreateInstance
    }

    public class Component : Object // ScriptReference/Component
    {
        public Transform transform { get { return null; } } // ScriptReference/Component-transform
        public T GetComponent<T>() { return default(T); } // ScriptReference/Component.GetComponent
    }

    public class Behaviour : Component // ScriptReference/Behaviour
    {
        public bool enabled { get; set; } // ScriptReference/Behaviour-enabled
        public bool isActiveAndEnabled { get { return false; } } // ScriptReference/Behaviour-isActiveAndEnabled
    }

    public class MonoBehaviour : Behaviour // ScriptReference/MonoBehaviour
    {
    }

    public sealed class GameObject : Object // ScriptReference/GameObject
    {
        public GameObject(string name) { } // ScriptReference/GameObject-ctor
        public T AddComponent<T>() where T : Component { return null; } // ScriptReference/GameObject.AddComponent
        public T GetComponent<T>() { return default(T); } // ScriptReference/GameObject.GetComponent
    }

    public static class Application // ScriptReference/Application
    {
        public static bool isPlaying { get { return false; } } // ScriptReference/Application-isPlaying
        public static RuntimePlatform platform { get { return default(RuntimePlatform); } } // ScriptReference/Application-platform
        public static string persistentDataPath { get { return ""; } } // ScriptReference/Application-persistentDataPath
        public static string dataPath { get { return ""; } } // ScriptReference/Application-dataPath
    }

    public static class Debug // ScriptReference/Debug
    {
        public static void LogError(object message, Object context) { } // ScriptReference/Debug.LogError
        public static void LogException(Exception exception) { } // ScriptReference/Debug.LogException
    }

    public static class Time // ScriptReference/Time
    {
        public static float deltaTime { get { return 0; } } // ScriptReference/Time-deltaTime
    }

    public struct Mathf // ScriptReference/Mathf
    {
        public static int Max(int a, int b) { return a; } // ScriptReference/Mathf.Max
        public static float Max(float a, float b) { return a; } // ScriptReference/Mathf.Max
        public static float Min(float a, float b) { return a; } // ScriptReference/Mathf.Min
        public static int FloorToInt(float f) { return 0; } // ScriptReference/Mathf.FloorToInt
    }

    public struct Vector2 // ScriptReference/Vector2
    {
        public float x; // ScriptReference/Vector2-x
        public float y; // ScriptReference/Vector2-y
        public Vector2(float x, float y) { this.x = x; this.y = y; } // ScriptReference/Vector2-ctor
        public static implicit operator Vector2(Vector3 v) { return default(Vector2); } // ScriptReference/Vector2-operator_Vector3
        public static implicit operator Vector3(Vector2 v) { return default(Vector3); } // ScriptReference/Vector2-operator_Vector2
    }

    public struct Vector3 // ScriptReference/Vector3
    {
        public float x; // ScriptReference/Vector3-x
        public float y; // ScriptReference/Vector3-y
        public Vector3(float x, float y, float z) { this.x = x; this.y = y; } // ScriptReference/Vector3-ctor
    }

    public struct Vector4 // ScriptReference/Vector4
    {
        public static Vector4 zero { get { return default(Vector4); } } // ScriptReference/Vector4-zero
    }

    public struct Rect // ScriptReference/Rect
    {
        public Rect(float x, float y, float width, float height) : this() { } // ScriptReference/Rect-ctor
        public float x { get; set; } // ScriptReference/Rect-x
        public float y { get; set; } // ScriptReference/Rect-y
        public float width { get; set; } // ScriptReference/Rect-width
        public float height { get; set; } // ScriptReference/Rect-height
        public bool Contains(Vector2 point) { return false; } // ScriptReference/Rect.Contains
    }

    public struct Color // ScriptReference/Color
    {
        public Color(float r, float g, float b) { } // ScriptReference/Color-ctor
        public Color(float r, float g, float b, float a) { } // ScriptReference/Color-ctor
    }

    public class Texture : Object // ScriptReference/Texture
    {
        public virtual int width { get; set; } // ScriptReference/Texture-width
        public virtual int height { get; set; } // ScriptReference/Texture-height
        public FilterMode filterMode { get; set; } // ScriptReference/Texture-filterMode
        public TextureWrapMode wrapMode { get; set; } // ScriptReference/Texture-wrapMode
    }

    public sealed class Texture2D : Texture // ScriptReference/Texture2D
    {
        public Texture2D(int width, int height, TextureFormat textureFormat, bool mipChain, bool linear) { } // ScriptReference/Texture2D-ctor
        public void LoadRawTextureData(byte[] data) { } // ScriptReference/Texture2D.LoadRawTextureData
        public void Apply(bool updateMipmaps, bool makeNoLongerReadable) { } // ScriptReference/Texture2D.Apply
    }

    public enum TextureFormat // ScriptReference/TextureFormat
    {
        RGBA32 = 4, // ScriptReference/TextureFormat.RGBA32
        R8 = 63, // ScriptReference/TextureFormat.R8
    }

    public enum FilterMode // ScriptReference/FilterMode
    {
        Point = 0, // ScriptReference/FilterMode.Point
    }

    public enum TextureWrapMode // ScriptReference/TextureWrapMode
    {
        Clamp = 1, // ScriptReference/TextureWrapMode.Clamp
    }

    public sealed class Sprite : Object // ScriptReference/Sprite
    {
        public static Sprite Create(Texture2D texture, Rect rect, Vector2 pivot, float pixelsPerUnit, uint extrude, SpriteMeshType meshType, Vector4 border, bool generateFallbackPhysicsShape) { return null; } // ScriptReference/Sprite.Create
        public Rect rect { get { return default(Rect); } } // ScriptReference/Sprite-rect
        public Vector2 pivot { get { return default(Vector2); } } // ScriptReference/Sprite-pivot
    }

    public enum SpriteMeshType // ScriptReference/SpriteMeshType
    {
        FullRect = 0, // ScriptReference/SpriteMeshType.FullRect
    }

    public enum SpriteAlignment // ScriptReference/SpriteAlignment
    {
        Custom = 9, // ScriptReference/SpriteAlignment.Custom
    }

    public class Renderer : Component // ScriptReference/Renderer
    {
        public int sortingOrder { get; set; } // ScriptReference/Renderer-sortingOrder
        public Material sharedMaterial { get; set; } // ScriptReference/Renderer-sharedMaterial
        public void GetPropertyBlock(MaterialPropertyBlock properties) { } // ScriptReference/Renderer.GetPropertyBlock
        public void SetPropertyBlock(MaterialPropertyBlock properties) { } // ScriptReference/Renderer.SetPropertyBlock
    }

    public sealed class SpriteRenderer : Renderer // ScriptReference/SpriteRenderer
    {
        public Sprite sprite { get; set; } // ScriptReference/SpriteRenderer-sprite
    }

    public sealed class MaterialPropertyBlock // ScriptReference/MaterialPropertyBlock
    {
        public void SetTexture(int nameID, Texture value) { } // ScriptReference/MaterialPropertyBlock.SetTexture
    }

    public class Material : Object // ScriptReference/Material
    {
        public Material(Shader shader) { } // ScriptReference/Material-ctor
    }

    public sealed class Shader : Object // ScriptReference/Shader
    {
        public static int PropertyToID(string name) { return 0; } // ScriptReference/Shader.PropertyToID
    }

    public sealed class Resources // ScriptReference/Resources
    {
        public static T Load<T>(string path) where T : Object { return null; } // ScriptReference/Resources.Load
    }

    public class Motion : Object // ScriptReference/Motion
    {
    }

    public sealed class AnimationClip : Motion // ScriptReference/AnimationClip
    {
        public float length { get { return 0; } } // ScriptReference/AnimationClip-length
        public float frameRate { get; set; } // ScriptReference/AnimationClip-frameRate
    }

    public class RuntimeAnimatorController : Object // ScriptReference/RuntimeAnimatorController
    {
        public AnimationClip[] animationClips { get { return null; } } // ScriptReference/RuntimeAnimatorController-animationClips
    }

    public class AnimatorOverrideController : RuntimeAnimatorController // ScriptReference/AnimatorOverrideController
    {
        public AnimatorOverrideController(RuntimeAnimatorController controller) { } // ScriptReference/AnimatorOverrideController-ctor
        public RuntimeAnimatorController runtimeAnimatorController { get; set; } // ScriptReference/AnimatorOverrideController-runtimeAnimatorController
        public int overridesCount { get { return 0; } } // ScriptReference/AnimatorOverrideController-overridesCount
        public void GetOverrides(List<KeyValuePair<AnimationClip, AnimationClip>> overrides) { } // ScriptReference/AnimatorOverrideController.GetOverrides
        public void ApplyOverrides(IList<KeyValuePair<AnimationClip, AnimationClip>> overrides) { } // ScriptReference/AnimatorOverrideController.ApplyOverrides
    }

    public class Animator : Behaviour // ScriptReference/Animator
    {
        public RuntimeAnimatorController runtimeAnimatorController { get; set; } // ScriptReference/Animator-runtimeAnimatorController
        public void SetFloat(string name, float value) { } // ScriptReference/Animator.SetFloat
        public void Play(string stateName) { } // ScriptReference/Animator.Play
    }

    public class AnimatorControllerParameter // ScriptReference/AnimatorControllerParameter
    {
        public string name { get; set; } // ScriptReference/AnimatorControllerParameter-name
        public AnimatorControllerParameterType type { get; set; } // ScriptReference/AnimatorControllerParameter-type
        public float defaultFloat { get; set; } // ScriptReference/AnimatorControllerParameter-defaultFloat
    }

    public enum AnimatorControllerParameterType // ScriptReference/AnimatorControllerParameterType
    {
        Float = 1, // ScriptReference/AnimatorControllerParameterType.Float
    }

    public abstract class PropertyAttribute : Attribute // ScriptReference/PropertyAttribute
    {
    }

    public sealed class SerializeField : Attribute // ScriptReference/SerializeField
    {
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class TextAreaAttribute : PropertyAttribute // ScriptReference/TextAreaAttribute
    {
        public TextAreaAttribute(int minLines, int maxLines) { } // ScriptReference/TextAreaAttribute-ctor
    }

    [AttributeUsage(AttributeTargets.Field)]
    public class TooltipAttribute : PropertyAttribute // ScriptReference/TooltipAttribute
    {
        public TooltipAttribute(string tooltip) { } // ScriptReference/TooltipAttribute-ctor
    }

    public sealed class RequireComponent : Attribute // ScriptReference/RequireComponent
    {
        public RequireComponent(Type requiredComponent) { } // ScriptReference/RequireComponent-ctor
    }

    public sealed class AddComponentMenu : Attribute // ScriptReference/AddComponentMenu
    {
        public AddComponentMenu(string menuName) { } // ScriptReference/AddComponentMenu-ctor
    }

    public sealed class DisallowMultipleComponent : Attribute // ScriptReference/DisallowMultipleComponent
    {
    }

    [AttributeUsage(AttributeTargets.Method)]
    public class RuntimeInitializeOnLoadMethodAttribute : Attribute // ScriptReference/RuntimeInitializeOnLoadMethodAttribute
    {
        public RuntimeInitializeOnLoadMethodAttribute(RuntimeInitializeLoadType loadType) { } // ScriptReference/RuntimeInitializeOnLoadMethodAttribute-ctor
    }

    public enum RuntimeInitializeLoadType // ScriptReference/RuntimeInitializeLoadType
    {
        SubsystemRegistration = 4, // ScriptReference/RuntimeInitializeLoadType.SubsystemRegistration
    }
}
