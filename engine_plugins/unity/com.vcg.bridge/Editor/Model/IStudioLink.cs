using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Vcg.Bridge.Editor
{
    /// <summary>One picture of a job, cut into frames.</summary>
    public sealed class Drawn
    {
        /// <summary>Which character of the job, from 0.</summary>
        public int Character { get; }

        /// <summary>Of the character.</summary>
        public Recipe Recipe { get; }

        /// <summary>256 x RGBA.</summary>
        public byte[] Palette { get; }

        /// <summary>It is the single frame that comes first.</summary>
        public bool IsPreview { get; }

        /// <summary>What it shows.</summary>
        public FrameSet Frames { get; }

        /// <summary>With the last picture of a character: lines of credits.</summary>
        public IReadOnlyList<string> Credits { get; }

        /// <summary>A picture.</summary>
        public Drawn(int character, Recipe recipe, byte[] palette, bool isPreview, FrameSet frames, IReadOnlyList<string> credits)
        {
            Character = character;
            Recipe = recipe;
            Palette = palette;
            IsPreview = isPreview;
            Frames = frames;
            Credits = credits;
        }
    }

    /// <summary>What the studio asks of whatever draws. `ClientLink` asks a server.</summary>
    public interface IStudioLink
    {
        /// <summary>Draw.</summary>
        /// <param name="request">what</param>
        /// <param name="arrived">called for each picture, in order, on any thread</param>
        /// <param name="cancel">ends the job</param>
        /// <returns>ends when all pictures have arrived</returns>
        Task DrawAsync(GenerateRequest request, Action<Drawn> arrived, CancellationToken cancel);
    }
}
