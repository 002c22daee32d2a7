using System;

namespace Vcg.Bridge
{
    /// <summary>One frame of one animation seen from one side: palette slots, row by row from the top.</summary>
    public sealed class Frame
    {
        /// <summary>Id of the animation: "walk".</summary>
        public string Animation { get; }

        /// <summary>"up", "left", "down" or "right".</summary>
        public string Direction { get; }

        /// <summary>Number of the frame in its animation, from 0.</summary>
        public int Index { get; }

        /// <summary>Pixels.</summary>
        public int Width { get; }

        /// <summary>Pixels.</summary>
        public int Height { get; }

        /// <summary>Width x Height slots; 0 is transparent.</summary>
        public byte[] Slots { get; }

        /// <summary>A frame of its own pixels.</summary>
        public Frame(string animation, string direction, int index, int width, int height, byte[] slots)
        {
            if (slots.Length != width * height)
                throw new ArgumentException(slots.Length + " bytes for " + width + " x " + height + " pixels", "slots");
            Animation = animation;
            Direction = direction;
            Index = index;
            Width = width;
            Height = height;
            Slots = slots;
        }

        /// <summary>The name of its sprite: `walk_down_0`. Never has the character's name in it, so that it stays the
        /// same when the character is drawn anew or its files are renamed.</summary>
        public string Name
        {
            get { return Animation + "_" + Direction + "_" + Index; }
        }

        /// <summary>Smallest box with every opaque pixel; false where there is none.</summary>
        public bool TryBox(out Box box)
        {
            int left = Width, right = -1, top = -1, bottom = -1;
            for (var y = 0; y < Height; y++)
            {
                var row = y * Width;
                for (var x = 0; x < Width; x++)
                {
                    if (Slots[row + x] == 0)
                        continue;
                    if (x < left)
                        left = x;
                    if (x > right)
                        right = x;
                    if (top < 0)
                        top = y;
                    bottom = y;
                }
            }
            box = right < 0 ? default(Box) : new Box(left, top, right - left + 1, bottom - top + 1);
            return right >= 0;
        }

        /// <summary>The slots inside a box.</summary>
        public byte[] Cut(Box box)
        {
            if (box.Width == Width && box.Height == Height)
                return Slots;
            var part = new byte[box.Width * box.Height];
            for (var row = 0; row < box.Height; row++)
                Buffer.BlockCopy(Slots, (box.Y + row) * Width + box.X, part, row * box.Width, box.Width);
            return part;
        }
    }

    /// <summary>A rectangle of pixels, from the top left.</summary>
    public struct Box
    {
        /// <summary>Pixels from the left.</summary>
        public readonly int X;

        /// <summary>Pixels from the top.</summary>
        public readonly int Y;

        /// <summary>Pixels.</summary>
        public readonly int Width;

        /// <summary>Pixels.</summary>
        public readonly int Height;

        /// <summary>A box.</summary>
        public Box(int x, int y, int width, int height)
        {
            X = x;
            Y = y;
            Width = width;
            Height = height;
        }
    }
}
