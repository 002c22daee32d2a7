using System.Collections;
using System.Collections.Generic;
using NUnit.Framework;
using UnityEngine;
using UnityEngine.TestTools;

namespace Vcg.Bridge.Tests
{
    /// <summary>A character that is there already is shown, played, turned and recoloured.</summary>
    public class CharacterTests
    {
        GameObject thing;
        VcgCharacter character;

        [SetUp]
        public void MakeCharacter()
        {
            thing = new GameObject("character");
            thing.AddComponent<SpriteRenderer>();
            character = thing.AddComponent<VcgCharacter>();
            var frames = new FrameSet();
            frames.Add(new AnimationTiming("idle", 30, true), new[]
            {
                new Frame("idle", "up", 0, 2, 2, new byte[] { 1, 0, 0, 0 }), new Frame("idle", "up", 1, 2, 2, new byte[] { 2, 0, 0, 0 }),
                new Frame("idle", "down", 0, 2, 2, new byte[] { 3, 0, 0, 0 }), new Frame("idle", "down", 1, 2, 2, new byte[] { 4, 0, 0, 0 }),
            });
            var recipe = new Recipe(
                "tiny", new string('0', 64), 7, "", 0, new Dictionary<string, LayerChoice>(), new Dictionary<string, string>());
            character.Show(recipe, frames, new byte[Pixels.PaletteBytes]);
        }

        [TearDown]
        public void RemoveCharacter()
        {
            Object.DestroyImmediate(thing);
        }

        [Test]
        public void ItIsShownAndTurned()
        {
            Assert.AreEqual("idle_down_0", thing.GetComponent<SpriteRenderer>().sprite.name);
            character.Face(new Vector2(0.1f, 1));
            Assert.AreEqual("idle_up_0", thing.GetComponent<SpriteRenderer>().sprite.name);
        }

        [Test]
        public void ItIsRecoloured()
        {
            var palette = new byte[Pixels.PaletteBytes];
            palette[5] = 200;
            character.SetPalette(palette);
            Assert.AreEqual(200, character.Palette[5]);
        }

        [UnityTest]
        public IEnumerator ItMoves()
        {
            var seen = new HashSet<string>();
            for (var i = 0; i < 300 && seen.Count < 2; i++)
            {
                seen.Add(thing.GetComponent<SpriteRenderer>().sprite.name);
                yield return null;
            }
            CollectionAssert.AreEquivalent(new[] { "idle_down_0", "idle_down_1" }, seen);
        }
    }
}
