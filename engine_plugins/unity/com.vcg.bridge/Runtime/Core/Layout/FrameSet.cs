using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>How an animation plays.</summary>
    public sealed class AnimationTiming
    {
        /// <summary>Id of the animation.</summary>
        public string Id { get; }

        /// <summary>Frames a second, above 0.</summary>
        public float Fps { get; }

        /// <summary>It repeats.</summary>
        public bool Loop { get; }

        /// <summary>An animation's timing. 0 frames a second, which says nothing, becomes 1.</summary>
        public AnimationTiming(string id, double fps, bool loop)
        {
            Id = id;
            Fps = fps > 0 ? (float)fps : 1f;
            Loop = loop;
        }
    }

    /// <summary>All frames of one character, animation by animation, side by side, in order.</summary>
    public sealed class FrameSet
    {
        readonly List<Frame> frames = new List<Frame>();
        readonly List<AnimationTiming> animations = new List<AnimationTiming>();
        readonly Dictionary<string, AnimationTiming> byId = new Dictionary<string, AnimationTiming>();

        /// <summary>In order: animations as they were added, the directions of each, the frames of each.</summary>
        public IReadOnlyList<Frame> Frames
        {
            get { return frames; }
        }

        /// <summary>In the order in which they were added.</summary>
        public IReadOnlyList<AnimationTiming> Animations
        {
            get { return animations; }
        }

        /// <summary>The timing of an animation that is in the set.</summary>
        public AnimationTiming Timing(string animation)
        {
            return byId[animation];
        }

        /// <summary>Add the frames of an animation. They come side by side, each side's frames in order.</summary>
        public void Add(AnimationTiming timing, IEnumerable<Frame> added)
        {
            if (byId.ContainsKey(timing.Id))
                throw new ArgumentException("the animation '" + timing.Id + "' is there already", "timing");
            byId[timing.Id] = timing;
            animations.Add(timing);
            foreach (var frame in added)
            {
                if (frame.Animation != timing.Id)
                    throw new ArgumentException("a frame of '" + frame.Animation + "' among those of '" + timing.Id + "'", "added");
                frames.Add(frame);
            }
        }

        /// <summary>The same frames with the animations in this order; those it does not name come last.</summary>
        public FrameSet InOrder(IEnumerable<string> order)
        {
            var sorted = new FrameSet();
            foreach (var id in order)
                if (byId.ContainsKey(id) && !sorted.byId.ContainsKey(id))
                    sorted.Add(byId[id], Of(id));
            foreach (var timing in animations)
                if (!sorted.byId.ContainsKey(timing.Id))
                    sorted.Add(timing, Of(timing.Id));
            return sorted;
        }

        /// <summary>The frames of one animation, in order.</summary>
        public List<Frame> Of(string animation)
        {
            return frames.FindAll(frame => frame.Animation == animation);
        }

        /// <summary>Where the character stands: rows from the middle of its frames down to the last row of its feet.</summary>
        /// <remarks>Taken from its calmest frame, as the server does for a shadow: facing down, the first of an
        /// animation that stands or walks, else any. 0 for an empty set.</remarks>
        public int Ground()
        {
            Frame calm = null;
            foreach (var frame in frames)
                if (calm == null || Restlessness(frame) < Restlessness(calm))
                    calm = frame;
            if (calm == null)
                return 0;
            Box box;
            var lowest = calm.TryBox(out box) ? box.Y + box.Height - 1 : calm.Height - 1;
            return lowest - calm.Height / 2;
        }

        static int Restlessness(Frame frame)
        {
            var moves = frame.Animation != "idle" && frame.Animation != "walk";
            return (moves ? 4 : 0) + (frame.Direction != "down" ? 2 : 0) + (frame.Index != 0 ? 1 : 0);
        }
    }
}
