using System;
using System.Collections.Generic;
using System.Linq;

namespace Vcg.Bridge.Editor
{
    /// <summary>A character in the window: what has been drawn of it so far, and its colours.</summary>
    public sealed class NpcCharacter
    {
        /// <summary>What it is drawn from, in the colours that are shown.</summary>
        public Recipe Recipe { get; private set; }

        /// <summary>256 x RGBA.</summary>
        public byte[] Palette { get; private set; }

        /// <summary>The single frame that came first; null before it came.</summary>
        public Frame Face { get; private set; }

        /// <summary>The animations that have come.</summary>
        public FrameSet Frames { get; private set; }

        /// <summary>Lines of credits; none before the last picture came.</summary>
        public IReadOnlyList<string> Credits { get; private set; }

        /// <summary>A character without pictures.</summary>
        public NpcCharacter(Recipe recipe, byte[] palette)
        {
            Recipe = recipe;
            Palette = palette;
            Frames = new FrameSet();
            Credits = new string[0];
        }

        /// <summary>Whether an animation has been drawn.</summary>
        public bool Has(string animation)
        {
            return Frames.Animations.Any(timing => timing.Id == animation);
        }

        /// <summary>Take a picture that came. One that is there already changes nothing.</summary>
        public void Add(Drawn drawn)
        {
            if (drawn.IsPreview)
                Face = drawn.Frames.Frames.FirstOrDefault() ?? Face;
            else
                foreach (var timing in drawn.Frames.Animations)
                    if (!Has(timing.Id))
                        Frames.Add(timing, drawn.Frames.Of(timing.Id));
            if (drawn.Credits.Count > 0)
                Credits = drawn.Credits;
        }

        /// <summary>The same pictures with colours of their own.</summary>
        public NpcCharacter Copy()
        {
            var copy = new NpcCharacter(Recipe, Palette) { Face = Face, Credits = Credits };
            foreach (var timing in Frames.Animations)
                copy.Frames.Add(timing, Frames.Of(timing.Id));
            return copy;
        }

        /// <summary>Show it in the colours of another recipe of the same clothes.</summary>
        public void Recoloured(Recipe recipe, Description description)
        {
            Palette = Recolour.Apply(Palette, description, recipe);
            Recipe = recipe;
        }

        /// <summary>Whether two recipes draw the same pictures, colours aside.</summary>
        public static bool SameClothes(Recipe one, Recipe other)
        {
            return one != null && other != null && Bare(one).SequenceEqual(Bare(other));
        }

        static byte[] Bare(Recipe recipe)
        {
            var layers = recipe.Layers.ToDictionary(x => x.Key, x => x.Value, StringComparer.Ordinal);
            return RecipeJson.Write(new Recipe(recipe.Model, recipe.ModelSha256, 0, "", 0, layers, new Dictionary<string, string>()));
        }
    }
}
