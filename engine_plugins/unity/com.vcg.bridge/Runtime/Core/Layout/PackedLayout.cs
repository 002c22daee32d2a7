using System;
using System.Collections.Generic;
using System.Linq;

namespace Vcg.Bridge
{
    /// <summary>The small sheet: every frame cut to its picture, equal pictures once, on shelves. The same sheet as
    /// `vcg generate --layout packed` writes.</summary>
    public static class PackedLayout
    {
        /// <summary>Widths that are tried: each a 64th of the square's edge wider than the one before.</summary>
        const int Widths = 20;

        /// <summary>Lay the frames out.</summary>
        /// <param name="set">The frames.</param>
        /// <param name="padding">Empty pixels between two pictures, 0 to 64.</param>
        /// <param name="extrude">Pixels by which a picture's edge is repeated around it, 0 to 16.</param>
        public static Sheet LayOut(FrameSet set, int padding = 1, int extrude = 0)
        {
            if (padding < 0 || padding > 64 || extrude < 0 || extrude > 16)
                throw VcgException.BadRequest("padding must be 0 to 64 and extrude 0 to 16 pixels, not " + padding + " and " + extrude, "use the defaults");
            if (set.Frames.Count == 0)
                throw VcgException.BadRequest("there is no frame to lay out", "ask for at least one animation");
            var pictures = new List<Picture>();
            var numbers = new Dictionary<Picture, int>();
            var shown = new List<int>();
            var boxes = new List<Box>();
            foreach (var frame in set.Frames)
            {
                Box box;
                if (!frame.TryBox(out box))
                    box = new Box(0, 0, 1, 1);
                var picture = new Picture(box.Width, box.Height, frame.Cut(box));
                int number;
                if (!numbers.TryGetValue(picture, out number))
                {
                    numbers[picture] = number = pictures.Count;
                    pictures.Add(picture);
                }
                shown.Add(number);
                boxes.Add(box);
            }
            var border = padding + 2 * extrude;
            var arranged = Smallest(pictures.Select(p => new Size(p.Width + border, p.Height + border)).ToList(), padding);
            var placed = new List<SheetFrame>();
            for (var i = 0; i < shown.Count; i++)
            {
                var corner = arranged.Corners[shown[i]];
                var place = new Box(corner.Width + extrude, corner.Height + extrude, boxes[i].Width, boxes[i].Height);
                placed.Add(new SheetFrame(set.Frames[i], place, boxes[i].X, boxes[i].Y));
            }
            var sheet = new Sheet(arranged.Width, arranged.Height, placed, extrude);
            for (var i = 0; i < pictures.Count; i++)
            {
                var corner = arranged.Corners[i];
                sheet.Put(pictures[i].Slots, pictures[i].Width, pictures[i].Height, corner.Width + extrude, corner.Height + extrude);
            }
            return sheet;
        }

        /// <summary>Of several widths the one with the smallest sheet.</summary>
        static Arrangement Smallest(List<Size> sizes, int padding)
        {
            long area = sizes.Sum(size => (long)size.Width * size.Height);
            var start = Math.Max(sizes.Max(size => size.Width), SquareRoot(area));
            Arrangement best = null;
            for (var extra = 0; extra < Widths; extra++)
            {
                var tried = Shelves(sizes, start + start * extra / 64, padding);
                if (best == null || tried.IsSmallerThan(best))
                    best = tried;
            }
            return best;
        }

        /// <summary>Boxes by height on shelves of that width.</summary>
        static Arrangement Shelves(List<Size> sizes, int width, int padding)
        {
            var corners = new Size[sizes.Count];
            int x = 0, y = 0, shelf = 0, used = 0;
            var order = Enumerable.Range(0, sizes.Count).OrderByDescending(i => sizes[i].Height).ThenByDescending(i => sizes[i].Width);
            foreach (var i in order)
            {
                if (x + sizes[i].Width > width)
                {
                    x = 0;
                    y += shelf;
                }
                if (x == 0)
                    shelf = sizes[i].Height;
                corners[i] = new Size(x, y);
                x += sizes[i].Width;
                used = Math.Max(used, x);
            }
            return new Arrangement(used - padding, y + shelf - padding, corners);
        }

        /// <summary>The whole part of the root, exactly.</summary>
        static int SquareRoot(long value)
        {
            var root = (long)Math.Sqrt(value);
            while (root * root > value)
                root--;
            while ((root + 1) * (root + 1) <= value)
                root++;
            return (int)root;
        }

        struct Size
        {
            public readonly int Width;
            public readonly int Height;

            public Size(int width, int height)
            {
                Width = width;
                Height = height;
            }
        }

        sealed class Arrangement
        {
            public readonly int Width;
            public readonly int Height;
            public readonly Size[] Corners;

            public Arrangement(int width, int height, Size[] corners)
            {
                Width = width;
                Height = height;
                Corners = corners;
            }

            public bool IsSmallerThan(Arrangement other)
            {
                long area = (long)Width * Height, others = (long)other.Width * other.Height;
                return area != others ? area < others : Math.Max(Width, Height) < Math.Max(other.Width, other.Height);
            }
        }

        /// <summary>A picture that is equal to another of the same size and pixels.</summary>
        sealed class Picture : IEquatable<Picture>
        {
            public readonly int Width;
            public readonly int Height;
            public readonly byte[] Slots;
            readonly int hash;

            public Picture(int width, int height, byte[] slots)
            {
                Width = width;
                Height = height;
                Slots = slots;
                var code = width * 31 + height;
                foreach (var slot in slots)
                    code = unchecked(code * 31 + slot);
                hash = code;
            }

            public bool Equals(Picture other)
            {
                return other != null && hash == other.hash && Width == other.Width && Height == other.Height
                    && Slots.SequenceEqual(other.Slots);
            }

            public override bool Equals(object other)
            {
                return Equals(other as Picture);
            }

            public override int GetHashCode()
            {
                return hash;
            }
        }
    }
}
