using System.Collections.Generic;
using System.Linq;
using UnityEditor;
using UnityEditor.U2D.Sprites;
using UnityEngine;

namespace Vcg.Bridge.Editor
{
    /// <summary>Import settings and sprites of a character's sheet.</summary>
    static class SheetImport
    {
        /// <summary>Largest texture size that import settings offer, from small to large.</summary>
        static readonly int[] Sizes = { 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, Sheet.MaxEdge };

        /// <summary>Cut the sheet into sprites. The settings are made for a new file; those of a known one belong to its
        /// owner, but for what the sprites need.</summary>
        /// <param name="path">Of the PNG, in the project. It has been imported.</param>
        /// <param name="isNew">The file was not there before.</param>
        /// <param name="plan">What is on the sheet.</param>
        /// <param name="userData">What the importer keeps for us, see SaveRecord.</param>
        /// <returns>Name to sprite.</returns>
        public static Dictionary<string, Sprite> Apply(string path, bool isNew, SavePlan plan, string userData)
        {
            var importer = (TextureImporter)AssetImporter.GetAtPath(path);
            if (isNew)
                SetUp(importer, plan.PixelsPerUnit);
            importer.textureType = TextureImporterType.Sprite;
            importer.spriteImportMode = SpriteImportMode.Multiple;
            var edge = Mathf.Max(plan.SheetWidth, plan.SheetHeight);
            importer.maxTextureSize = Mathf.Max(importer.maxTextureSize, Sizes.First(size => size >= edge));
            importer.userData = userData;
            Slice(importer, plan.Slices);
            EditorUtility.SetDirty(importer);
            importer.SaveAndReimport();
            return Sprites(path);
        }

        /// <summary>The sprites of a texture, by name.</summary>
        public static Dictionary<string, Sprite> Sprites(string path)
        {
            var sprites = new Dictionary<string, Sprite>();
            foreach (var sprite in AssetDatabase.LoadAllAssetRepresentationsAtPath(path).OfType<Sprite>())
                sprites[sprite.name] = sprite;
            return sprites;
        }

        static void SetUp(TextureImporter importer, float pixelsPerUnit)
        {
            importer.textureType = TextureImporterType.Sprite; // first: it sets others
            importer.spriteImportMode = SpriteImportMode.Multiple;
            importer.spritePixelsPerUnit = pixelsPerUnit;
            importer.filterMode = FilterMode.Point;
            importer.textureCompression = TextureImporterCompression.Uncompressed;
            importer.mipmapEnabled = false;
            importer.wrapMode = TextureWrapMode.Clamp;
            importer.npotScale = TextureImporterNPOTScale.None;
            importer.alphaSource = TextureImporterAlphaSource.FromInput;
            importer.alphaIsTransparency = true;
            importer.sRGBTexture = true;
            importer.isReadable = false;
            var settings = new TextureImporterSettings();
            importer.ReadTextureSettings(settings);
            settings.spriteMeshType = SpriteMeshType.FullRect; // a tight mesh would be made anew for each of hundreds of frames
            settings.spriteGenerateFallbackPhysicsShape = false;
            importer.SetTextureSettings(settings);
        }

        static void Slice(TextureImporter importer, IReadOnlyList<SpriteSlice> slices)
        {
            var factories = new SpriteDataProviderFactories();
            factories.Init();
            var provider = factories.GetSpriteEditorDataProviderFromObject(importer);
            provider.InitSpriteEditorDataProvider();
            var names = provider.GetDataProvider<ISpriteNameFileIdDataProvider>();
            var rects = provider.GetSpriteRects();
            // the table also knows sprites of an earlier, larger save; the rectangles come first, since scenes refer to those
            var known = rects.Select(rect => Pair(rect.name, rect.spriteID)).ToList();
            if (names != null)
                known.AddRange(names.GetNameFileIdPairs().Select(pair => Pair(pair.name, pair.GetFileGUID())));
            var ids = SliceIds.Keep(slices, known);
            var byName = new Dictionary<string, SpriteRect>();
            foreach (var rect in rects)
                byName[rect.name] = rect;
            var kept = rects.Where(rect => !SpriteSlice.IsOurs(rect.name)).ToList(); // cut by hand
            foreach (var slice in slices)
            {
                SpriteRect rect;
                if (!byName.TryGetValue(slice.Name, out rect)) // else borders and outlines that somebody has drawn stay
                    rect = new SpriteRect { name = slice.Name };
                rect.spriteID = new GUID(ids[slice.Name]);
                rect.rect = new Rect(slice.X, slice.Y, slice.Width, slice.Height);
                rect.alignment = SpriteAlignment.Custom;
                rect.pivot = new Vector2(slice.PivotX, slice.PivotY);
                kept.Add(rect);
            }
            provider.SetSpriteRects(kept.ToArray());
            if (names != null)
                names.SetNameFileIdPairs(ids.Select(pair => new SpriteNameFileIdPair(pair.Key, new GUID(pair.Value))).ToList());
            provider.Apply();
        }

        static KeyValuePair<string, string> Pair(string name, GUID id)
        {
            return new KeyValuePair<string, string>(name, id.ToString());
        }
    }
}
