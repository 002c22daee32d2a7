using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>Where the frames of one animation lie in a picture.</summary>
    public sealed class Strip
    {
        internal Strip(IReadOnlyDictionary<string, object> fields)
        {
            Fields = fields;
            Animation = fields.Text("animation");
            Directions = fields.Texts("directions");
            Frames = fields.Int("frames");
            FrameWidth = fields.Int("frame_width");
            FrameHeight = fields.Int("frame_height");
            Fps = (double)fields["fps"];
            Loop = fields.Flag("loop");
            Rects = Array.ConvertAll((object[])fields["rects"], x => (int)(long)x);
        }

        /// <summary>The record, field by field, defaults filled in. Not to be changed.</summary>
        public IReadOnlyDictionary<string, object> Fields { get; }

        /// <summary>Its id.</summary>
        public string Animation { get; }

        /// <summary>Rows, top first.</summary>
        public IReadOnlyList<string> Directions { get; }

        /// <summary>Columns: frames for each direction.</summary>
        public int Frames { get; }

        /// <summary>Pixels of a whole frame, as shown.</summary>
        public int FrameWidth { get; }

        /// <summary>Pixels.</summary>
        public int FrameHeight { get; }

        /// <summary>Frames a second.</summary>
        public double Fps { get; }

        /// <summary>It repeats.</summary>
        public bool Loop { get; }

        /// <summary>As the wire has them; empty for rows and columns. See <see cref="Places"/>. Not to be changed.</summary>
        public int[] Rects { get; }

        /// <summary>Where each frame lies in a picture of that size, all frames of the first direction first.</summary>
        /// <exception cref="VcgException">code "protocol": a frame lies outside</exception>
        public FramePlace[] Places(int width, int height)
        {
            int count = Frames * Directions.Count;
            if (Rects.Length > 0 && Rects.Length != 6 * count)
                throw VcgException.Protocol(
                    "strip '" + Animation + "' has " + Rects.Length + " numbers for " + count + " frames");
            if (Rects.Length == 0 && ((long)Frames * FrameWidth > width || (long)Directions.Count * FrameHeight > height))
                throw VcgException.Protocol("strip '" + Animation + "' lies outside of its picture");
            var places = new FramePlace[count];
            for (int i = 0; i < count; i++)
            {
                FramePlace place;
                if (Rects.Length > 0)
                {
                    int at = 6 * i;
                    place = new FramePlace(
                        Rects[at], Rects[at + 1], Rects[at + 2], Rects[at + 3], Rects[at + 4], Rects[at + 5]);
                }
                else
                    place = new FramePlace(i % Frames * FrameWidth, i / Frames * FrameHeight, FrameWidth, FrameHeight, 0, 0);
                if (place.X + place.Width > width || place.Y + place.Height > height
                    || place.Left + place.Width > FrameWidth || place.Top + place.Height > FrameHeight)
                    throw VcgException.Protocol("strip '" + Animation + "': frame " + i + " lies outside of its picture");
                places[i] = place;
            }
            return places;
        }
    }

    /// <summary>Where one frame lies, in pixels from the top left.</summary>
    public struct FramePlace
    {
        internal FramePlace(int x, int y, int width, int height, int left, int top)
        {
            X = x;
            Y = y;
            Width = width;
            Height = height;
            Left = left;
            Top = top;
        }

        /// <summary>In the picture.</summary>
        public int X { get; }

        /// <summary>In the picture, down.</summary>
        public int Y { get; }

        /// <summary>Of what is in the picture.</summary>
        public int Width { get; }

        /// <summary>Of what is in the picture.</summary>
        public int Height { get; }

        /// <summary>Of that in the whole frame.</summary>
        public int Left { get; }

        /// <summary>Of that in the whole frame, down.</summary>
        public int Top { get; }
    }
}
