using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>One picture of a character, decoded and checked.</summary>
    public sealed class Picture
    {
        internal Picture(IReadOnlyDictionary<string, object> chunk, byte[] data, Recipe recipe, byte[] palette)
        {
            Seq = chunk.Long("seq");
            Character = chunk.Int("character");
            Kind = chunk.Text("kind");
            Name = chunk.Text("name");
            Format = chunk.Text("format");
            Width = chunk.Int("width");
            Height = chunk.Int("height");
            Strips = chunk.Records("strips", x => new Strip(x));
            IsLast = chunk.Flag("last");
            Credits = chunk.Texts("credits");
            Sha256 = chunk.Bytes("sha256");
            Data = data;
            Recipe = recipe;
            Palette = palette;
        }

        /// <summary>Number within the job, from 0 without gaps.</summary>
        public long Seq { get; }

        /// <summary>Which character of the job, from 0.</summary>
        public int Character { get; }

        /// <summary>"preview", "animation", "sheet" or "normal".</summary>
        public string Kind { get; }

        /// <summary>Id of the animation; "sheet" for a sheet.</summary>
        public string Name { get; }

        /// <summary>"r8", "rgba8" or "png".</summary>
        public string Format { get; }

        /// <summary>Pixels.</summary>
        public int Width { get; }

        /// <summary>Pixels.</summary>
        public int Height { get; }

        /// <summary>
        /// r8: a palette slot for each pixel, 0 is transparent; rgba8: R, G, B, A, not premultiplied; both row by row from the
        /// top. png: a PNG file. Not to be changed.
        /// </summary>
        public byte[] Data { get; }

        /// <summary>Of the data, 32 bytes: names the picture for a cache. Not to be changed.</summary>
        public byte[] Sha256 { get; }

        /// <summary>Where the frames are: one strip for a preview or an animation, one for each animation of a sheet.</summary>
        public IReadOnlyList<Strip> Strips { get; }

        /// <summary>The last picture of its character.</summary>
        public bool IsLast { get; }

        /// <summary>Of its character.</summary>
        public Recipe Recipe { get; }

        /// <summary>Of its character: 256 x RGBA. Not to be changed.</summary>
        public byte[] Palette { get; }

        /// <summary>With the last picture of a character: lines to ship with it; else empty.</summary>
        public IReadOnlyList<string> Credits { get; }
    }
}
