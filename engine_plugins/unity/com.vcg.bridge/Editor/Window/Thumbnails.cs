using System;
using System.Collections.Generic;
using System.Linq;
using UnityEngine;

namespace Vcg.Bridge.Editor
{
    /// <summary>Textures of what the window shows. They are no assets: whoever made them has to free them.</summary>
    sealed class Thumbnails : IDisposable
    {
        readonly Dictionary<NpcCharacter, Texture2D> faces = new Dictionary<NpcCharacter, Texture2D>();
        Texture2D preview;

        /// <summary>The face of a character; null before it came.</summary>
        public Texture2D Face(NpcCharacter character)
        {
            Texture2D face;
            if (character.Face == null)
                return null;
            if (!faces.TryGetValue(character, out face) || face == null)
                faces[character] = face = Fill(null, PreviewStrip.Of(character.Face, character.Palette));
            return face;
        }

        /// <summary>The large picture, with other contents.</summary>
        public Texture2D Preview(PreviewStrip strip)
        {
            return preview = Fill(preview, strip);
        }

        /// <summary>Free the faces of all but these.</summary>
        public void KeepOnly(IEnumerable<NpcCharacter> shown)
        {
            var kept = new HashSet<NpcCharacter>(shown);
            foreach (var character in faces.Keys.Where(x => !kept.Contains(x)).ToList())
            {
                UnityEngine.Object.DestroyImmediate(faces[character]);
                faces.Remove(character);
            }
        }

        /// <summary>Free all.</summary>
        public void Dispose()
        {
            KeepOnly(new NpcCharacter[0]);
            if (preview != null)
                UnityEngine.Object.DestroyImmediate(preview);
            preview = null;
        }

        static Texture2D Fill(Texture2D texture, PreviewStrip strip)
        {
            if (texture != null && (texture.width != strip.Width || texture.height != strip.Height))
            {
                UnityEngine.Object.DestroyImmediate(texture);
                texture = null;
            }
            if (texture == null)
            {
                texture = new Texture2D(strip.Width, strip.Height, TextureFormat.RGBA32, false, false)
                {
                    filterMode = FilterMode.Point,
                    wrapMode = TextureWrapMode.Clamp,
                    hideFlags = HideFlags.HideAndDontSave,
                };
            }
            texture.LoadRawTextureData(strip.Rgba);
            texture.Apply(false, false);
            return texture;
        }
    }
}
