using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>Where one frame lies on a sheet. Pixels from the top left.</summary>
    public sealed class SheetFrame
    {
        /// <summary>The frame.</summary>
        public Frame Frame { get; }

        /// <summary>Its place on the sheet.</summary>
        public Box Place { get; }

        /// <summary>Columns of the whole frame that were cut off at its left.</summary>
        public int Left { get; }

        /// <summary>Rows of the whole frame that were cut off at its top.</summary>
        public int Top { get; }

        /// <summary>A placed frame.</summary>
        public SheetFrame(Frame frame, Box place, int left, int top)
        {
            Frame = frame;
            Place = place;
            Left = left;
            Top = top;
        }
    }

    /// <summary>Many frames on one picture of palette slots, and where each of them lies.</summary>
    public sealed class Sheet
    {
        /// <summary>Longest edge of a texture that every engine takes, in pixels.</summary>
        public const int MaxEdge = 16384;

        /// <summary>Pixels.</summary>
        public int Width { get; }

        /// <summary>Pixels.</summary>
        public int Height { get; }

        /// <summary>Width x Height palette slots, row by row from the top.</summary>
        public byte[] Slots { get; }

        /// <summary>In the order of the frame set.</summary>
        public IReadOnlyList<SheetFrame> Frames { get; }

        /// <summary>Pixels by which every frame's edge is repeated around it.</summary>
        public int Extrude { get; }

        /// <summary>An empty sheet with these places.</summary>
        public Sheet(int width, int height, IReadOnlyList<SheetFrame> frames, int extrude)
        {
            if (Math.Max(width, height) > MaxEdge)
                throw new VcgException(
                    Vocabulary.ErrorCode.Limit, "the sheet would be " + width + "x" + height + " pixels; engines take " + MaxEdge + " at most",
                    "choose fewer animations, or the packed layout");
            Width = width;
            Height = height;
            Slots = new byte[width * height];
            Frames = frames;
            Extrude = extrude;
        }

        /// <summary>Write a picture, its edges repeated `Extrude` pixels outwards, with its top left pixel at x, y.</summary>
        internal void Put(byte[] picture, int width, int height, int x, int y)
        {
            for (var row = -Extrude; row < height + Extrude; row++)
            {
                var source = Math.Min(Math.Max(row, 0), height - 1) * width;
                var target = (y + row) * Width + x;
                Buffer.BlockCopy(picture, source, Slots, target, width);
                for (var column = 1; column <= Extrude; column++)
                {
                    Slots[target - column] = picture[source];
                    Slots[target + width - 1 + column] = picture[source + width - 1];
                }
            }
        }

        /// <summary>The colours of the sheet: Width x Height x 4 bytes of R, G, B, A.</summary>
        /// <param name="palette">256 x RGBA.</param>
        public byte[] Rgba(byte[] palette)
        {
            return Pixels.Colour(Slots, palette);
        }
    }
}
