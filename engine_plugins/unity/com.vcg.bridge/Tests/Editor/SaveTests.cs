using System.Collections.Generic;
using System.IO;
using System.Linq;
using NUnit.Framework;
using UnityEditor;
using UnityEditor.Animations;
using UnityEngine;
using Vcg.Bridge.Editor;

namespace Vcg.Bridge.Tests
{
    /// <summary>A small character is saved into the project, again and again.</summary>
    public class SaveTests
    {
        const string Folder = "Assets/VcgBridgeTests";

        [TearDown]
        public void RemoveFolder()
        {
            AssetDatabase.DeleteAsset(Folder);
        }

        [Test]
        public void TheSheetIsImportedForPixelArt()
        {
            Save(1);
            var importer = (TextureImporter)AssetImporter.GetAtPath(Folder + "/npc.png");
            Assert.AreEqual(TextureImporterType.Sprite, importer.textureType);
            Assert.AreEqual(SpriteImportMode.Multiple, importer.spriteImportMode);
            Assert.AreEqual(FilterMode.Point, importer.filterMode);
            Assert.AreEqual(TextureImporterCompression.Uncompressed, importer.textureCompression);
            Assert.AreEqual(TextureWrapMode.Clamp, importer.wrapMode);
            Assert.AreEqual(32f, importer.spritePixelsPerUnit);
            Assert.IsFalse(importer.mipmapEnabled);
            Assert.AreEqual(8, Sprites().Count);
        }

        [Test]
        public void EverythingIsThere()
        {
            var outcome = Save(1);
            foreach (var path in outcome.Paths.Concat(new[] { Folder + "/CREDITS.txt", Folder + "/tiny.controller" }))
                Assert.IsTrue(File.Exists(path), path);
            var prefab = AssetDatabase.LoadAssetAtPath<GameObject>(Folder + "/npc.prefab");
            Assert.IsNotNull(prefab.GetComponent<SpriteRenderer>().sprite);
            Assert.IsNotNull(prefab.GetComponent<Animator>().runtimeAnimatorController);
            var controller = AssetDatabase.LoadAssetAtPath<AnimatorController>(Folder + "/tiny.controller");
            Assert.AreEqual("idle", controller.layers[0].stateMachine.defaultState.name);
            var clips = AssetDatabase.LoadAllAssetsAtPath(Folder + "/npc.overrideController").OfType<AnimationClip>().ToList();
            Assert.AreEqual(4, clips.Count);
            Assert.AreEqual(0.25f, clips.First(clip => clip.name == "walk_down").length);
        }

        [Test]
        public void SavingAgainKeepsEveryReference()
        {
            Save(1);
            var before = References();
            Save(2);
            CollectionAssert.AreEqual(before, References());
        }

        [Test]
        public void WhatSomebodyHasMadeOfItStays()
        {
            Save(1);
            var importer = (TextureImporter)AssetImporter.GetAtPath(Folder + "/npc.png");
            importer.spritePixelsPerUnit = 64;
            importer.SaveAndReimport();
            var clip = AssetDatabase.LoadAllAssetsAtPath(Folder + "/npc.overrideController").OfType<AnimationClip>().First();
            clip.frameRate = 3;
            EditorUtility.SetDirty(clip);
            var outcome = Save(2, 5);
            CollectionAssert.AreEqual(new[] { clip.name }, outcome.KeptClips);
            Assert.AreEqual(64f, ((TextureImporter)AssetImporter.GetAtPath(Folder + "/npc.png")).spritePixelsPerUnit);
        }

        [Test]
        public void AnEditedSheetIsNamed()
        {
            Save(1);
            CollectionAssert.IsEmpty(CharacterSaver.Edited(Folder, "npc"));
            File.AppendAllText(Folder + "/npc.png", "x");
            CollectionAssert.AreEqual(new[] { Folder + "/npc.png" }, CharacterSaver.Edited(Folder, "npc"));
        }

        [Test]
        public void ARecipeIsAnAsset()
        {
            Save(1);
            AssetDatabase.SetImporterOverride<RecipeImporter>(Folder + "/npc.vcg.json");
            var asset = AssetDatabase.LoadAssetAtPath<VcgRecipeAsset>(Folder + "/npc.vcg.json");
            Assert.AreEqual(7L, asset.Recipe.Seed);
        }

        static SaveOutcome Save(byte colour, float fps = 8)
        {
            var frames = new FrameSet();
            foreach (var animation in new[] { "idle", "walk" })
                frames.Add(new AnimationTiming(animation, fps, true), Frames(animation, colour));
            var recipe = new Recipe(
                "tiny", new string('0', 64), 7, "", 0, new Dictionary<string, LayerChoice>(), new Dictionary<string, string>());
            var palette = new byte[Pixels.PaletteBytes];
            for (var i = 4; i < palette.Length; i++)
                palette[i] = 255;
            var plan = SavePlan.Of("npc", frames, palette, recipe, new[] { "Body: nobody" }, "Drawn by nobody", new SaveOptions());
            var animator = ControllerPlan.Of(frames.Animations.Select(x => new AnimationSides(x.Id, new[] { "up", "down" }, x.Loop)));
            return CharacterSaver.Save(Folder, plan, animator, new ModelCredit("tiny", "Tiny", "1.0.0", "CC0-1.0", "Drawn by nobody"));
        }

        static IEnumerable<Frame> Frames(string animation, byte colour)
        {
            foreach (var direction in new[] { "up", "down" })
                for (var i = 0; i < 2; i++)
                {
                    var slots = new byte[16 * 16];
                    for (var x = 0; x <= colour + i; x++)
                        slots[8 * 16 + 4 + x] = colour;
                    yield return new Frame(animation, direction, i, 16, 16, slots);
                }
        }

        static List<Sprite> Sprites()
        {
            return AssetDatabase.LoadAllAssetRepresentationsAtPath(Folder + "/npc.png").OfType<Sprite>().ToList();
        }

        /// <summary>What scenes and prefabs store of the character's assets.</summary>
        static List<string> References()
        {
            var clips = AssetDatabase.LoadAllAssetsAtPath(Folder + "/npc.overrideController");
            var references = new List<string>();
            foreach (var asset in clips.Concat(Sprites()))
            {
                string guid;
                long id;
                AssetDatabase.TryGetGUIDAndLocalFileIdentifier(asset, out guid, out id);
                references.Add(asset.name + " " + guid + " " + id);
            }
            references.Sort();
            return references;
        }
    }
}
