namespace Vcg.Bridge.Local
{
    /// <summary>A character that was drawn without a server.</summary>
    public sealed class LocalCharacter
    {
        internal LocalCharacter(Recipe recipe, FrameSet frames, byte[] palette, int redrawn)
        {
            Recipe = recipe;
            Frames = frames;
            Palette = palette;
            Redrawn = redrawn;
        }

        /// <summary>What it was drawn from.</summary>
        public Recipe Recipe { get; }

        /// <summary>Its frames in palette slots: the same bytes as a server's.</summary>
        public FrameSet Frames { get; }

        /// <summary>256 x RGBA; slot 0 is transparent.</summary>
        public byte[] Palette { get; }

        /// <summary>Views whose pixels float noise could have changed, which were drawn again in double precision.</summary>
        public int Redrawn { get; }
    }
}
