using System.Collections.Generic;
using System.Linq;

namespace Vcg.Bridge
{
    /// <summary>A state of the animator: one animation, seen from wherever the character faces.</summary>
    public sealed class StatePlan
    {
        /// <summary>Id of the animation, and name of the state.</summary>
        public string Name { get; }

        /// <summary>Clip names, one for each direction.</summary>
        public IReadOnlyList<string> Clips { get; }

        /// <summary>Its directions, as the clips.</summary>
        public IReadOnlyList<string> Directions { get; }

        /// <summary>It repeats; else it returns to the default state at its end.</summary>
        public bool Loop { get; }

        internal StatePlan(string name, IReadOnlyList<string> directions, bool loop)
        {
            Name = name;
            Directions = directions;
            Clips = directions.Select(direction => name + "_" + direction).ToList();
            Loop = loop;
        }
    }

    /// <summary>From one state to another when the speed says so.</summary>
    public sealed class SpeedTransition
    {
        /// <summary>State it leaves.</summary>
        public string From { get; }

        /// <summary>State it enters.</summary>
        public string To { get; }

        /// <summary>True: above the threshold; false: below it.</summary>
        public bool Above { get; }

        /// <summary>Value of the parameter Speed.</summary>
        public float Threshold { get; }

        internal SpeedTransition(string from, string to, bool above, float threshold)
        {
            From = from;
            To = to;
            Above = above;
            Threshold = threshold;
        }
    }

    /// <summary>The animator that all characters of a model share: a state for each animation, blended by direction.</summary>
    public sealed class ControllerPlan
    {
        /// <summary>Parameters: where the character faces; up is (0, 1).</summary>
        public const string DirectionX = "DirectionX";

        /// <summary>See DirectionX.</summary>
        public const string DirectionY = "DirectionY";

        /// <summary>Parameter: 0 stands, 1 walks, 2 runs.</summary>
        public const string Speed = "Speed";

        const float Walks = 0.1f;
        const float Runs = 1.5f;

        /// <summary>In order.</summary>
        public IReadOnlyList<StatePlan> States { get; }

        /// <summary>Name of the state it starts in: idle, where there is one.</summary>
        public string Default { get; }

        /// <summary>Between idle, walk and run, as far as they are there.</summary>
        public IReadOnlyList<SpeedTransition> Transitions { get; }

        ControllerPlan(IReadOnlyList<StatePlan> states)
        {
            States = states;
            Default = states.Any(s => s.Name == "idle") ? "idle" : states.Count > 0 ? states[0].Name : "";
            var transitions = new List<SpeedTransition>();
            Pair(transitions, "idle", "walk", Walks);
            Pair(transitions, "walk", "run", Runs);
            Transitions = transitions;
        }

        /// <summary>The point of the blend tree at which a direction's clip lies.</summary>
        public static void Position(string direction, out float x, out float y)
        {
            x = direction == "left" ? -1 : direction == "right" ? 1 : 0;
            y = direction == "up" ? 1 : direction == "down" ? -1 : 0;
        }

        /// <summary>The animator of the animations that a model has.</summary>
        /// <param name="animations">Id, directions and whether it repeats, in order.</param>
        public static ControllerPlan Of(IEnumerable<AnimationSides> animations)
        {
            return new ControllerPlan(animations.Select(a => new StatePlan(a.Id, a.Directions, a.Loop)).ToList());
        }

        void Pair(List<SpeedTransition> transitions, string slow, string fast, float threshold)
        {
            if (!States.Any(s => s.Name == slow) || !States.Any(s => s.Name == fast))
                return;
            transitions.Add(new SpeedTransition(slow, fast, true, threshold));
            transitions.Add(new SpeedTransition(fast, slow, false, threshold));
        }
    }

    /// <summary>An animation and the sides it is drawn from.</summary>
    public sealed class AnimationSides
    {
        /// <summary>Id.</summary>
        public string Id { get; }

        /// <summary>Some of up, left, down, right.</summary>
        public IReadOnlyList<string> Directions { get; }

        /// <summary>It repeats.</summary>
        public bool Loop { get; }

        /// <summary>An animation.</summary>
        public AnimationSides(string id, IReadOnlyList<string> directions, bool loop)
        {
            Id = id;
            Directions = directions;
            Loop = loop;
        }
    }
}
