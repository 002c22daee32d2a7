using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>One complete character of a job.</summary>
    public sealed class GeneratedCharacter
    {
        internal GeneratedCharacter(IReadOnlyList<Picture> pictures)
        {
            Pictures = pictures;
            Picture last = pictures[pictures.Count - 1];
            Index = last.Character;
            Recipe = last.Recipe;
            Palette = last.Palette;
            Credits = last.Credits;
            if (pictures[0].Kind == "preview")
                Preview = pictures[0];
        }

        /// <summary>Within the job, from 0.</summary>
        public int Index { get; }

        /// <summary>All that regenerates it.</summary>
        public Recipe Recipe { get; }

        /// <summary>256 x RGBA, slot -> colour. Not to be changed.</summary>
        public byte[] Palette { get; }

        /// <summary>In the order they came, the preview among them.</summary>
        public IReadOnlyList<Picture> Pictures { get; }

        /// <summary>The single frame that came first, null where none was asked for.</summary>
        public Picture Preview { get; }

        /// <summary>Lines to ship with it.</summary>
        public IReadOnlyList<string> Credits { get; }
    }
}
