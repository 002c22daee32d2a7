using System;
using UnityEngine;

namespace Vcg.Bridge
{
    /// <summary>The palette of one character as a texture, and what shows slots in its colours.</summary>
    public sealed class PaletteLook : IDisposable
    {
        const string ShaderPath = "VCG Bridge/PaletteSprite"; // in a folder Resources, so that builds have it
        static readonly int PaletteId = Shader.PropertyToID("_PaletteTex");
        static Material shared;

        readonly Texture2D texture;
        readonly byte[] colours = new byte[Pixels.PaletteBytes];
        readonly MaterialPropertyBlock block = new MaterialPropertyBlock();

        /// <summary>A palette without colours yet.</summary>
        public PaletteLook()
        {
            texture = new Texture2D(256, 1, TextureFormat.RGBA32, false, false)
            {
                name = "palette",
                filterMode = FilterMode.Point,
                wrapMode = TextureWrapMode.Clamp,
            };
        }

        /// <summary>The material that all characters share: slots to colours, for the built-in pipeline and URP.</summary>
        public static Material SharedMaterial
        {
            get
            {
                if (shared == null)
                {
                    var shader = Resources.Load<Shader>(ShaderPath);
                    if (shader == null)
                        throw new InvalidOperationException("The package VCG Bridge lacks its shader " + ShaderPath + ": install it again.");
                    shared = new Material(shader) { name = "VCG palette", hideFlags = HideFlags.DontSave };
                }
                return shared;
            }
        }

        /// <summary>A copy of the colours: 256 x RGBA.</summary>
        public byte[] Colours
        {
            get { return (byte[])colours.Clone(); }
        }

        /// <summary>Show these colours, in every frame at once.</summary>
        /// <param name="palette">256 x RGBA; slot 0 is transparent whatever it says</param>
        public void Set(byte[] palette)
        {
            if (palette.Length != Pixels.PaletteBytes)
                throw new ArgumentException("a palette has " + Pixels.PaletteBytes + " bytes, not " + palette.Length, "palette");
            Buffer.BlockCopy(palette, 0, colours, 0, colours.Length);
            Array.Clear(colours, 0, 4);
            texture.LoadRawTextureData(colours);
            texture.Apply(false, false);
        }

        /// <summary>Give a renderer the colours. Its material is to be SharedMaterial, or another that reads _PaletteTex.</summary>
        public void ApplyTo(SpriteRenderer renderer)
        {
            renderer.GetPropertyBlock(block);
            block.SetTexture(PaletteId, texture);
            renderer.SetPropertyBlock(block);
        }

        /// <summary>Free the texture.</summary>
        public void Dispose()
        {
            CharacterTextures.Free(texture);
        }
    }
}
