using System;
using System.Collections.Generic;
using System.Linq;
using UnityEngine;

namespace Vcg.Bridge
{
    /// <summary>A character's pictures as textures of palette slots, one for each animation, cut into sprites.</summary>
    public sealed class CharacterTextures : IDisposable
    {
        readonly float pixelsPerUnit;
        readonly PivotPlace pivot;
        readonly Dictionary<string, Texture2D> textures = new Dictionary<string, Texture2D>();
        readonly Dictionary<string, Sprite[]> sides = new Dictionary<string, Sprite[]>();
        readonly Dictionary<string, AnimationTiming> timings = new Dictionary<string, AnimationTiming>();
        int? ground; // of the first frames that came: the others must not stand elsewhere

        /// <summary>Without pictures yet.</summary>
        /// <param name="pixelsPerUnit">pixels of the character that are one unit of the scene</param>
        /// <param name="pivot">where its sprites' pivot is</param>
        public CharacterTextures(float pixelsPerUnit, PivotPlace pivot)
        {
            this.pixelsPerUnit = pixelsPerUnit;
            this.pivot = pivot;
        }

        /// <summary>The animations that are there.</summary>
        public IEnumerable<string> Animations
        {
            get { return timings.Keys; }
        }

        /// <summary>Take the animations of a set, in place of those that are there already.</summary>
        public void Add(FrameSet set)
        {
            if (ground == null && set.Frames.Count > 0)
                ground = set.Ground();
            foreach (var timing in set.Animations)
            {
                Remove(timing.Id);
                var alone = new FrameSet();
                alone.Add(timing, set.Of(timing.Id));
                Add(timing, PackedLayout.LayOut(alone)); // whole frames would take ten times the memory
            }
        }

        /// <summary>How an animation plays; null where it is not there.</summary>
        public AnimationTiming Timing(string animation)
        {
            AnimationTiming timing;
            return timings.TryGetValue(animation, out timing) ? timing : null;
        }

        /// <summary>The sprites of an animation seen from a side, in order. From another side where it has not that one
        /// (one climbs with one's back to the viewer); null where the animation is not there.</summary>
        public Sprite[] Sprites(string animation, string direction)
        {
            Sprite[] sprites;
            if (sides.TryGetValue(animation + "_" + direction, out sprites))
                return sprites;
            foreach (var other in new[] { "down", "up", "left", "right" })
                if (sides.TryGetValue(animation + "_" + other, out sprites))
                    return sprites;
            return null;
        }

        /// <summary>Free the textures and sprites.</summary>
        public void Dispose()
        {
            foreach (var animation in timings.Keys.ToList())
                Remove(animation);
        }

        void Add(AnimationTiming timing, Sheet sheet)
        {
            var texture = new Texture2D(sheet.Width, sheet.Height, TextureFormat.R8, false, true) // linear: slots are no colours
            {
                name = timing.Id,
                filterMode = FilterMode.Point,
                wrapMode = TextureWrapMode.Clamp,
            };
            texture.LoadRawTextureData(Pixels.Flip(sheet.Slots, sheet.Width));
            texture.Apply(false, true);
            textures[timing.Id] = texture;
            timings[timing.Id] = timing;
            var slices = Slices.Of(sheet, pivot, ground ?? 0);
            foreach (var side in Enumerable.Range(0, slices.Count).GroupBy(i => sheet.Frames[i].Frame.Direction))
                sides[timing.Id + "_" + side.Key] = side.Select(i => MakeSprite(texture, slices[i])).ToArray();
        }

        Sprite MakeSprite(Texture2D texture, SpriteSlice slice)
        {
            var sprite = Sprite.Create(
                texture, new Rect(slice.X, slice.Y, slice.Width, slice.Height), new Vector2(slice.PivotX, slice.PivotY),
                pixelsPerUnit, 0, SpriteMeshType.FullRect, Vector4.zero, false);
            sprite.name = slice.Name;
            return sprite;
        }

        void Remove(string animation)
        {
            Texture2D texture;
            if (!textures.TryGetValue(animation, out texture))
                return;
            foreach (var side in sides.Keys.Where(key => key.StartsWith(animation + "_", StringComparison.Ordinal)).ToList())
            {
                if (side.LastIndexOf('_') != animation.Length) // "walk_fast_down" is none of "walk"
                    continue;
                foreach (var sprite in sides[side])
                    Free(sprite);
                sides.Remove(side);
            }
            Free(texture);
            textures.Remove(animation);
            timings.Remove(animation);
        }

        internal static void Free(UnityEngine.Object thing)
        {
            if (Application.isPlaying)
                UnityEngine.Object.Destroy(thing);
            else
                UnityEngine.Object.DestroyImmediate(thing);
        }
    }
}
