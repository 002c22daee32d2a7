using System;

namespace Vcg.Bridge
{
    /// <summary>Which frame of an animation is shown, as time goes by.</summary>
    public sealed class FramePlayer
    {
        double elapsed;
        int frames = 1;
        double fps = 1;
        bool loop = true;

        /// <summary>The frame that is shown now.</summary>
        public int Frame { get; private set; }

        /// <summary>An animation that does not repeat has reached its end; its last frame stays.</summary>
        public bool IsOver { get; private set; }

        /// <summary>Play an animation from its first frame.</summary>
        public void Start(AnimationTiming timing, int frameCount)
        {
            Change(timing, frameCount);
            elapsed = 0;
            Frame = 0;
            IsOver = false;
        }

        /// <summary>Another picture of what plays (drawn anew, seen from another side): the time goes on.</summary>
        public void Change(AnimationTiming timing, int frameCount)
        {
            fps = timing.Fps;
            loop = timing.Loop;
            frames = Math.Max(frameCount, 1);
            Advance(0);
        }

        /// <summary>Let time go by.</summary>
        /// <param name="seconds">0 or more</param>
        /// <returns>Whether another frame is shown now.</returns>
        public bool Advance(double seconds)
        {
            var before = Frame;
            elapsed += seconds;
            var length = frames / fps;
            if (loop)
                elapsed %= length;
            else if (elapsed >= length)
                elapsed = length;
            IsOver = !loop && elapsed >= length;
            Frame = Math.Min((int)(elapsed * fps + 1e-6), frames - 1); // a whole frame's time is never lost to rounding
            return Frame != before;
        }
    }
}
