using System.Collections.Generic;
using System.Linq;
using UnityEditor;
using UnityEngine;

namespace Vcg.Bridge.Editor
{
    /// <summary>Animation clips of a character: sub-assets of its override controller, so that a character is a handful of
    /// files and not fifty.</summary>
    static class ClipImport
    {
        /// <summary>What a clip moves: the sprite of a SpriteRenderer on the animator's own object.</summary>
        static EditorCurveBinding Binding
        {
            get { return EditorCurveBinding.PPtrCurve("", typeof(SpriteRenderer), "m_Sprite"); }
        }

        /// <summary>Fill a clip. Its other curves and its events stay as they are.</summary>
        public static void Fill(AnimationClip clip, ClipPlan plan, IDictionary<string, Sprite> sprites)
        {
            var keys = new ObjectReferenceKeyframe[plan.Sprites.Count];
            for (var i = 0; i < keys.Length; i++)
                keys[i] = new ObjectReferenceKeyframe { time = plan.Time(i), value = sprites[plan.Sprites[i]] };
            clip.frameRate = plan.Fps; // so that the last frame is shown as long as the others
            AnimationUtility.SetObjectReferenceCurve(clip, Binding, keys);
            var settings = AnimationUtility.GetAnimationClipSettings(clip);
            settings.loopTime = plan.Loop;
            AnimationUtility.SetAnimationClipSettings(clip, settings);
            EditorUtility.SetDirty(clip);
        }

        /// <summary>What the clip's sprite curve says now, to be compared with ClipPlan.Fingerprint. "" where it has none, or
        /// shows sprites that are gone: nobody wants it so.</summary>
        public static string Fingerprint(AnimationClip clip)
        {
            var keys = AnimationUtility.GetObjectReferenceCurve(clip, Binding);
            if (keys == null || keys.Length == 0 || keys.Any(key => key.value == null))
                return "";
            var loop = AnimationUtility.GetAnimationClipSettings(clip).loopTime;
            return ClipPlan.FingerprintOf(
                clip.frameRate, loop, keys.Select(key => key.time), keys.Select(key => key.value.name));
        }
    }
}
