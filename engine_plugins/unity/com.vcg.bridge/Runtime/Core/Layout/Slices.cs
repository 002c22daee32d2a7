using System;
using System.Collections.Generic;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Vcg.Bridge
{
    /// <summary>A sprite of a sheet as Unity wants it: its rectangle is measured from the bottom left.</summary>
    public sealed class SpriteSlice
    {
        /// <summary>`walk_down_0`.</summary>
        public string Name { get; }

        /// <summary>32 hex digits that follow from the name alone: the same in every sheet and after every re-roll.</summary>
        public string Id { get; }

        /// <summary>Pixels from the left of the sheet.</summary>
        public int X { get; }

        /// <summary>Pixels from the bottom of the sheet to the bottom of the sprite.</summary>
        public int Y { get; }

        /// <summary>Pixels.</summary>
        public int Width { get; }

        /// <summary>Pixels.</summary>
        public int Height { get; }

        /// <summary>The pivot from the left, as a part of the width; outside of 0 to 1 where much was cut off.</summary>
        public float PivotX { get; }

        /// <summary>The pivot from the bottom, as a part of the height; may be outside of 0 to 1.</summary>
        public float PivotY { get; }

        internal SpriteSlice(string name, int x, int y, int width, int height, float pivotX, float pivotY)
        {
            Name = name;
            Id = IdOf(name);
            X = x;
            Y = y;
            Width = width;
            Height = height;
            PivotX = pivotX;
            PivotY = pivotY;
        }

        /// <summary>Whether a sprite's name is one that we give. Others were added by hand.</summary>
        public static bool IsOurs(string name)
        {
            return OurName.IsMatch(name);
        }

        static readonly Regex OurName = new Regex("^[a-z0-9._-]+_(up|left|down|right)_[0-9]+$", RegexOptions.CultureInvariant);

        /// <summary>The id that a sprite of that name gets: the first half of a SHA-256, in hex.</summary>
        public static string IdOf(string name)
        {
            using (var sha = SHA256.Create())
                return Hex.Of(sha.ComputeHash(Encoding.UTF8.GetBytes("vcg-bridge sprite " + name)), 16);
        }
    }

    /// <summary>Where the pivot of a character's sprites is.</summary>
    public enum PivotPlace
    {
        /// <summary>In the middle of its feet, on the ground: sorts by depth and stands where it is put.</summary>
        Feet,

        /// <summary>In the middle of the whole frame.</summary>
        Centre,
    }

    /// <summary>The sprites of a sheet.</summary>
    public static class Slices
    {
        /// <summary>A sprite for each frame, in order. All pivots are the same point of the character, whatever was cut
        /// off and however large the frames are: nothing jitters.</summary>
        /// <param name="sheet">The sheet.</param>
        /// <param name="pivot">Where the pivot is.</param>
        /// <param name="ground">For Feet: `FrameSet.Ground()` of the frames, in their own pixels.</param>
        public static List<SpriteSlice> Of(Sheet sheet, PivotPlace pivot, int ground)
        {
            var slices = new List<SpriteSlice>(sheet.Frames.Count);
            foreach (var frame in sheet.Frames)
            {
                var place = frame.Place;
                var right = frame.Frame.Width / 2f - frame.Left;
                var down = (pivot == PivotPlace.Feet ? frame.Frame.Height / 2 + ground + 1 : frame.Frame.Height / 2f) - frame.Top;
                slices.Add(new SpriteSlice(
                    frame.Frame.Name, place.X, sheet.Height - place.Y - place.Height, place.Width, place.Height,
                    right / place.Width, (place.Height - down) / place.Height));
            }
            return slices;
        }
    }

    /// <summary>What a save does with the sprites that a texture has already.</summary>
    public static class SliceIds
    {
        /// <summary>The id for each name: the one that a sprite of that name has or had in this texture, else the one that
        /// follows from the name. So whatever refers to a sprite finds it again.</summary>
        /// <param name="slices">What the sheet has now.</param>
        /// <param name="known">Name to id of the texture, sprites that are gone included.</param>
        public static Dictionary<string, string> Keep(IEnumerable<SpriteSlice> slices, IEnumerable<KeyValuePair<string, string>> known)
        {
            var ids = new Dictionary<string, string>();
            var used = new HashSet<string>();
            foreach (var pair in known)
                if (!ids.ContainsKey(pair.Key) && used.Add(pair.Value)) // an id names one sprite; the first one keeps it
                    ids[pair.Key] = pair.Value;
            foreach (var slice in slices)
            {
                if (ids.ContainsKey(slice.Name))
                    continue;
                var id = slice.Id;
                for (var again = 2; !used.Add(id); again++) // somebody gave a renamed sprite's id to another name
                    id = SpriteSlice.IdOf(slice.Name + " " + again);
                ids[slice.Name] = id;
            }
            return ids;
        }
    }

    /// <summary>Bytes as lower-case hex digits.</summary>
    static class Hex
    {
        public static string Of(byte[] bytes, int count)
        {
            var text = new StringBuilder(count * 2);
            for (var i = 0; i < count; i++)
                text.Append(bytes[i].ToString("x2"));
            return text.ToString();
        }
    }
}
