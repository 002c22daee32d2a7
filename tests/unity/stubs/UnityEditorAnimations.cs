using UnityEngine;

namespace UnityEditor.Animations
{
    public sealed class AnimatorController : RuntimeAnimatorController // ScriptReference/Animations.AnimatorController
    {
        public static AnimatorController CreateAnimatorControllerAtPath(string path) { return null; } // ScriptReference/Animations.AnimatorController.CreateAnimatorControllerAtPath
        public AnimatorControllerParameter[] parameters { get; set; } // ScriptReference/Animations.AnimatorController-parameters
        public AnimatorControllerLayer[] layers { get; set; } // ScriptReference/Animations.AnimatorController-layers
        public void AddParameter(AnimatorControllerParameter paramater) { } // ScriptReference/Animations.AnimatorController.AddParameter
        public AnimatorState CreateBlendTreeInController(string name, out BlendTree tree, int layerIndex) { tree = null; return null; } // ScriptReference/Animations.AnimatorController.CreateBlendTreeInController
    }

    public class AnimatorControllerLayer // ScriptReference/Animations.AnimatorControllerLayer
    {
        public AnimatorStateMachine stateMachine { get; set; } // ScriptReference/Animations.AnimatorControllerLayer-stateMachine
    }

    public sealed class AnimatorStateMachine : Object // ScriptReference/Animations.AnimatorStateMachine
    {
        public AnimatorState defaultState { get; set; } // ScriptReference/Animations.AnimatorStateMachine-defaultState
        public AnimatorState AddState(string name) { return null; } // ScriptReference/Animations.AnimatorStateMachine.AddState
    }

    public sealed class AnimatorState : Object // ScriptReference/Animations.AnimatorState
    {
        public Motion motion { get; set; } // ScriptReference/Animations.AnimatorState-motion
        public AnimatorStateTransition AddTransition(AnimatorState destinationState) { return null; } // ScriptReference/Animations.AnimatorState.AddTransition
    }

    public class AnimatorTransitionBase : Object // ScriptReference/Animations.AnimatorTransitionBase
    {
        public void AddCondition(AnimatorConditionMode mode, float threshold, string parameter) { } // ScriptReference/Animations.AnimatorTransitionBase.AddCondition
    }

    public class AnimatorStateTransition : AnimatorTransitionBase // ScriptReference/Animations.AnimatorStateTransition
    {
        public bool hasExitTime { get; set; } // ScriptReference/Animations.AnimatorStateTransition-hasExitTime
        public float exitTime { get; set; } // ScriptReference/Animations.AnimatorStateTransition-exitTime
        public bool hasFixedDuration { get; set; } // ScriptReference/Animations.AnimatorStateTransition-hasFixedDuration
        public float duration { get; set; } // ScriptReference/Animations.AnimatorStateTransition-duration
    }

    public enum AnimatorConditionMode // ScriptReference/Animations.AnimatorConditionMode
    {
        Greater = 3, // ScriptReference/Animations.AnimatorConditionMode.Greater
        Less = 4, // ScriptReference/Animations.AnimatorConditionMode.Less
    }

    public class BlendTree : Motion // ScriptReference/Animations.BlendTree
    {
        public BlendTreeType blendType { get; set; } // ScriptReference/Animations.BlendTree-blendType
        public string blendParameter { get; set; } // ScriptReference/Animations.BlendTree-blendParameter
        public string blendParameterY { get; set; } // ScriptReference/Animations.BlendTree-blendParameterY
        public void AddChild(Motion motion, Vector2 position) { } // ScriptReference/Animations.BlendTree.AddChild
    }

    public enum BlendTreeType // ScriptReference/Animations.BlendTreeType
    {
        SimpleDirectional2D = 1, // ScriptReference/Animations.BlendTreeType.SimpleDirectional2D
    }
}
