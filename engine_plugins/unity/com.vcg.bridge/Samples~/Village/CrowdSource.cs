using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Vcg.Bridge.Local;

namespace Vcg.Bridge.Samples
{
    /// <summary>Where the crowd comes from. All is called on the main thread, and comes back to it.</summary>
    public abstract class CrowdSource
    {
        /// <summary>What villagers do.</summary>
        protected static readonly string[] Animations = { "idle", "walk" };

        /// <summary>Draw so many different people, and say of each when it has come.</summary>
        public abstract Task Draw(
            long firstSeed, int novelty, int count, Action<Recipe, FrameSet, byte[], IReadOnlyList<string>> come,
            CancellationToken cancel);

        /// <summary>Ids of the ramps that a colour group of a recipe can have.</summary>
        public abstract IReadOnlyList<string> Ramps(string group);

        /// <summary>The palette of a recipe with other ramps.</summary>
        /// <param name="recipe">with the new ramps</param>
        /// <param name="palette">of the character now</param>
        public abstract byte[] Palette(Recipe recipe, byte[] palette);
    }

    /// <summary>Drawn in the game itself.</summary>
    public sealed class LocalCrowd : CrowdSource
    {
        const int AtOnce = 4;

        readonly VcgLocalGenerator generator;
        LocalGenerator ready;

        /// <summary>From a component of the scene.</summary>
        public LocalCrowd(VcgLocalGenerator generator)
        {
            this.generator = generator;
        }

        /// <inheritdoc/>
        public override async Task Draw(
            long firstSeed, int novelty, int count, Action<Recipe, FrameSet, byte[], IReadOnlyList<string>> come,
            CancellationToken cancel)
        {
            ready = await generator.Ready();
            int next = 0;
            Func<Task> work = async () =>
            {
                while (next < count)
                {
                    Recipe recipe = LocalDesigner.Recipe(
                        ready.Manifest, new Design { Seed = firstSeed + next++, Novelty = novelty });
                    LocalCharacter drawn = await ready.DrawAsync(recipe, Animations, cancel);
                    cancel.ThrowIfCancellationRequested();
                    come(recipe, drawn.Frames, drawn.Palette, null);
                }
            };
            var working = new Task[AtOnce];
            for (int i = 0; i < AtOnce; i++)
                working[i] = work();
            await Task.WhenAll(working);
        }

        /// <inheritdoc/>
        public override IReadOnlyList<string> Ramps(string group)
        {
            var ids = new List<string>();
            foreach (BundleLayer layer in ready.Manifest.Layers)
                foreach (BundleMaterial material in layer.Materials)
                    if (material.Group == group && ids.Count == 0)
                        foreach (BundleRamp ramp in ready.Manifest.RampsOf(material.Kind))
                            ids.Add(ramp.Id);
            return ids;
        }

        /// <inheritdoc/>
        public override byte[] Palette(Recipe recipe, byte[] palette)
        {
            return ready.Palette(recipe);
        }
    }

    /// <summary>Drawn by a server.</summary>
    public sealed class ServerCrowd : CrowdSource
    {
        readonly VcgClientBehaviour behaviour;
        Description description;

        /// <summary>From a component of the scene.</summary>
        public ServerCrowd(VcgClientBehaviour behaviour)
        {
            this.behaviour = behaviour;
        }

        /// <inheritdoc/>
        public override async Task Draw(
            long firstSeed, int novelty, int count, Action<Recipe, FrameSet, byte[], IReadOnlyList<string>> come,
            CancellationToken cancel)
        {
            VcgClient client = behaviour.Client;
            description = await client.DescribeAsync();
            var request = new GenerateRequest
            {
                Design = new Design { Seed = firstSeed, Novelty = novelty },
                Count = count,
                Animations = Animations,
                Preview = false,
            };
            using (VcgJob job = client.Generate(request))
            {
                GeneratedCharacter character;
                while ((character = await job.NextCharacterAsync(cancel)) != null)
                {
                    GeneratedCharacter come1 = character;
                    FrameSet frames = await Task.Run(() => PictureFrames.Of(come1));
                    cancel.ThrowIfCancellationRequested();
                    come(character.Recipe, frames, character.Palette, character.Credits);
                }
            }
        }

        /// <inheritdoc/>
        public override IReadOnlyList<string> Ramps(string group)
        {
            var ids = new List<string>();
            foreach (RampInfo ramp in description.Ramps[description.Groups[group]])
                ids.Add(ramp.Id);
            return ids;
        }

        /// <inheritdoc/>
        public override byte[] Palette(Recipe recipe, byte[] palette)
        {
            return Recolour.Apply(palette, description, recipe);
        }
    }
}
