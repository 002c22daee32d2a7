using System;
using System.Collections.Generic;
using System.Linq;

namespace Vcg.Bridge.Editor
{
    /// <summary>One moment of an animation, all sides beside one another, in colour.</summary>
    public sealed class PreviewStrip
    {
        /// <summary>Pixels.</summary>
        public int Width { get; private set; }

        /// <summary>Pixels.</summary>
        public int Height { get; private set; }

        /// <summary>R, G, B, A of each pixel, rows from the bottom up.</summary>
        public byte[] Rgba { get; private set; }

        /// <summary>A frame alone.</summary>
        public static PreviewStrip Of(Frame frame, byte[] palette)
        {
            return Of(new[] { frame }, palette);
        }

        /// <summary>An animation at one of its frames. Null where it has not come.</summary>
        public static PreviewStrip Of(FrameSet set, string animation, int index, byte[] palette)
        {
            var frames = set.Of(animation).Where(frame => frame.Index == index).ToList();
            return frames.Count == 0 ? null : Of(frames, palette);
        }

        /// <summary>Frames of one size, from left to right.</summary>
        static PreviewStrip Of(IReadOnlyList<Frame> frames, byte[] palette)
        {
            int width = frames[0].Width, height = frames[0].Height, across = width * frames.Count;
            var slots = new byte[across * height];
            for (var i = 0; i < frames.Count; i++)
                for (var row = 0; row < height; row++)
                    Buffer.BlockCopy(frames[i].Slots, row * width, slots, row * across + i * width, width);
            return new PreviewStrip
            {
                Width = across,
                Height = height,
                Rgba = Pixels.Flip(Pixels.Colour(slots, palette), across * 4),
            };
        }
    }
}
