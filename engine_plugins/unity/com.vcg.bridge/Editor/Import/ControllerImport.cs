using System.Collections.Generic;
using System.Linq;
using UnityEditor;
using UnityEditor.Animations;
using UnityEngine;

namespace Vcg.Bridge.Editor
{
    /// <summary>The animator that all characters of a model share, and each character's own clips in it.</summary>
    /// <remarks>The shared controller has empty clips, for which every character's override controller puts its own. So no
    /// character depends on another one, and states that somebody adds to the shared one are there for all.</remarks>
    static class ControllerImport
    {
        /// <summary>The shared controller at that path: made, or with the states added that it lacks. What is in it stays as
        /// its owner has it.</summary>
        public static AnimatorController Shared(string path, ControllerPlan plan)
        {
            var controller = AssetDatabase.LoadAssetAtPath<AnimatorController>(path);
            var isNew = controller == null;
            if (isNew)
                controller = AnimatorController.CreateAnimatorControllerAtPath(path);
            var parameters = new HashSet<string>(controller.parameters.Select(parameter => parameter.name));
            AddParameter(controller, parameters, ControllerPlan.DirectionX, 0);
            AddParameter(controller, parameters, ControllerPlan.DirectionY, -1); // faces the player until it is told otherwise
            AddParameter(controller, parameters, ControllerPlan.Speed, 0);
            var clips = ByName(controller.animationClips);
            var added = new Dictionary<string, AnimatorState>();
            foreach (var state in plan.States)
                if (!state.Clips.All(clips.ContainsKey))
                    added[state.Name] = AddState(controller, state, clips);
            if (isNew)
                Connect(controller, plan, added);
            if (isNew || added.Count > 0)
            {
                EditorUtility.SetDirty(controller);
                AssetDatabase.SaveAssetIfDirty(controller);
            }
            return controller;
        }

        /// <summary>A character's override controller at that path, with its clips. Clips that somebody has worked on, and
        /// others that somebody has put in their place, stay.</summary>
        /// <returns>Names of the clips that were kept.</returns>
        public static List<string> Overrides(
            string path, AnimatorController shared, SavePlan plan, IDictionary<string, Sprite> sprites, SaveRecord before)
        {
            var controller = AssetDatabase.LoadAssetAtPath<AnimatorOverrideController>(path);
            if (controller == null)
            {
                controller = new AnimatorOverrideController(shared);
                AssetDatabase.CreateAsset(controller, path);
            }
            else if (controller.runtimeAnimatorController == null)
            {
                controller.runtimeAnimatorController = shared;
            }
            var mine = ByName(AssetDatabase.LoadAllAssetsAtPath(path).OfType<AnimationClip>());
            var kept = new List<string>();
            foreach (var clipPlan in plan.Clips)
            {
                AnimationClip clip;
                if (!mine.TryGetValue(clipPlan.Name, out clip))
                {
                    clip = new AnimationClip { name = clipPlan.Name };
                    AssetDatabase.AddObjectToAsset(clip, controller);
                    mine[clipPlan.Name] = clip;
                }
                else
                {
                    var now = ClipImport.Fingerprint(clip);
                    if (now == clipPlan.Fingerprint)
                        continue; // it refers to the sprites by their ids, which have not changed
                    if (now.Length > 0 && before.IsEdited(clipPlan.Name, now))
                    {
                        kept.Add(clipPlan.Name);
                        continue;
                    }
                }
                ClipImport.Fill(clip, clipPlan, sprites);
            }
            PutIn(controller, mine);
            EditorUtility.SetDirty(controller);
            AssetDatabase.SaveAssetIfDirty(controller);
            return kept;
        }

        static void PutIn(AnimatorOverrideController controller, IDictionary<string, AnimationClip> mine)
        {
            var pairs = new List<KeyValuePair<AnimationClip, AnimationClip>>(controller.overridesCount);
            controller.GetOverrides(pairs);
            for (var i = 0; i < pairs.Count; i++)
            {
                AnimationClip clip;
                if (pairs[i].Value == null && mine.TryGetValue(pairs[i].Key.name, out clip))
                    pairs[i] = new KeyValuePair<AnimationClip, AnimationClip>(pairs[i].Key, clip);
            }
            controller.ApplyOverrides(pairs);
        }

        static Dictionary<string, AnimationClip> ByName(IEnumerable<AnimationClip> clips)
        {
            var byName = new Dictionary<string, AnimationClip>();
            foreach (var clip in clips)
                if (clip != null && !byName.ContainsKey(clip.name)) // states may share a clip
                    byName[clip.name] = clip;
            return byName;
        }

        static void AddParameter(AnimatorController controller, HashSet<string> known, string name, float value)
        {
            if (known.Contains(name))
                return;
            controller.AddParameter(new AnimatorControllerParameter
            {
                name = name,
                type = AnimatorControllerParameterType.Float,
                defaultFloat = value,
            });
        }

        static AnimatorState AddState(AnimatorController controller, StatePlan plan, IDictionary<string, AnimationClip> clips)
        {
            foreach (var name in plan.Clips.Where(name => !clips.ContainsKey(name)))
            {
                var empty = new AnimationClip { name = name };
                AssetDatabase.AddObjectToAsset(empty, controller);
                clips[name] = empty;
            }
            if (plan.Clips.Count == 1)
            {
                var state = controller.layers[0].stateMachine.AddState(plan.Name);
                state.motion = clips[plan.Clips[0]];
                return state;
            }
            BlendTree tree;
            var blended = controller.CreateBlendTreeInController(plan.Name, out tree, 0);
            tree.blendType = BlendTreeType.SimpleDirectional2D;
            tree.blendParameter = ControllerPlan.DirectionX;
            tree.blendParameterY = ControllerPlan.DirectionY;
            for (var i = 0; i < plan.Clips.Count; i++)
            {
                float x, y;
                ControllerPlan.Position(plan.Directions[i], out x, out y);
                tree.AddChild(clips[plan.Clips[i]], new Vector2(x, y));
            }
            return blended;
        }

        static void Connect(AnimatorController controller, ControllerPlan plan, IDictionary<string, AnimatorState> states)
        {
            AnimatorState first;
            if (!states.TryGetValue(plan.Default, out first))
                return;
            controller.layers[0].stateMachine.defaultState = first;
            foreach (var state in plan.States.Where(state => !state.Loop && state.Name != plan.Default))
            {
                var back = states[state.Name].AddTransition(first);
                back.hasExitTime = true;
                back.exitTime = 1;
                back.hasFixedDuration = true;
                back.duration = 0; // sprites do not blend
            }
            foreach (var change in plan.Transitions)
            {
                var transition = states[change.From].AddTransition(states[change.To]);
                transition.hasExitTime = false;
                transition.hasFixedDuration = true;
                transition.duration = 0;
                var mode = change.Above ? AnimatorConditionMode.Greater : AnimatorConditionMode.Less;
                transition.AddCondition(mode, change.Threshold, ControllerPlan.Speed);
            }
        }
    }
}
