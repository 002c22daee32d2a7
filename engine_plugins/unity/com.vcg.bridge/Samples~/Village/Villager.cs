using System.Collections.Generic;
using UnityEngine;

namespace Vcg.Bridge.Samples
{
    /// <summary>One of the crowd: a VcgCharacter that walks about.</summary>
    [RequireComponent(typeof(VcgCharacter))]
    public sealed class Villager : MonoBehaviour
    {
        VcgCharacter character;
        SpriteRenderer shown;
        Wander wander;
        bool wasWalking;

        /// <summary>What it was drawn from, in its present colours; null before it has come.</summary>
        public Recipe Recipe { get; private set; }

        /// <summary>Where it goes.</summary>
        public void Begin(Wander by)
        {
            wander = by;
            character = GetComponent<VcgCharacter>();
            shown = GetComponent<SpriteRenderer>();
            character.Play("idle", wander.Direction);
        }

        /// <summary>It has come.</summary>
        public void Show(Recipe recipe, FrameSet frames, byte[] palette, IReadOnlyList<string> credits)
        {
            Recipe = recipe;
            character.Show(recipe, frames, palette, credits);
        }

        /// <summary>Other colours, of this recipe: the pictures stay.</summary>
        public void Recolour(Recipe recipe, byte[] palette)
        {
            Recipe = recipe;
            character.SetPalette(palette);
        }

        void Update()
        {
            if (wander == null)
                return;
            wander.Advance(Time.deltaTime);
            transform.position = new Vector3((float)wander.X, (float)wander.Y, 0);
            shown.sortingOrder = -(int)(wander.Y * 100); // who stands lower is in front
            character.Face(wander.Direction);
            if (wander.IsWalking != wasWalking)
                character.Play(wander.IsWalking ? "walk" : "idle");
            wasWalking = wander.IsWalking;
        }
    }
}
