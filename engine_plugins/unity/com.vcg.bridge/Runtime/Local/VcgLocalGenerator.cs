using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using UnityEngine;

namespace Vcg.Bridge.Local
{
    /// <summary>
    /// Draws characters in the running game, without a server: from a recipe, or from a seed. With Unity's inference package
    /// (com.unity.ai.inference, or com.unity.sentis 2) its CPU back end runs the networks; without, plain C# does, on other
    /// threads. Either way the same recipe gives the same bytes as everywhere else. To be asked on the main thread, which it
    /// never keeps waiting. Needs threads, which WebGL has not.
    /// </summary>
    [AddComponentMenu("VCG Bridge/VCG Local Generator")]
    [DisallowMultipleComponent]
    public sealed class VcgLocalGenerator : MonoBehaviour
    {
        [SerializeField, Tooltip("Assets > VCG Bridge > Add Bundle to Game makes one.")]
        VcgBundle bundle;

        [SerializeField, Tooltip("Use Unity's inference package where it is installed.")]
        bool useInference = true;

        [SerializeField, Tooltip("Threads that work beside the game; 0: as many as there are processors, but one.")]
        int threads;

        [SerializeField, Tooltip("MiB of drawn views that are kept for the next characters.")]
        int cacheMebibytes = 32;

        /// <summary>From being enabled to being disabled.</summary>
        sealed class Session
        {
            public Task<LocalGenerator> Opening;
            public Local.Bundle Bundle;
            public FrameQueue Queue;
        }

        Session session;

        /// <summary>
        /// Gives what runs an imported network. Set by the part of this package that is compiled where the inference package
        /// is installed; null where it is not.
        /// </summary>
        public static Func<UnityEngine.Object, BundleNetwork, IFrameNetwork> Inference { get; set; }

        /// <summary>The bundle that is drawn with. A change counts from the next time the component is enabled.</summary>
        public VcgBundle Bundle
        {
            get { return bundle; }
            set { bundle = value; }
        }

        /// <summary>Whether the inference package draws.</summary>
        public bool UsesInference
        {
            get { return session != null && session.Queue != null; }
        }

        /// <summary>The generator, once the bundle is read and checked. It belongs to this component.</summary>
        /// <exception cref="VcgException">in the task, code "bundle": none is given, or it is broken</exception>
        public Task<LocalGenerator> Ready()
        {
            if (session == null)
            {
                session = new Session();
                session.Opening = Open(session);
            }
            return session.Opening;
        }

        /// <summary>Draw a character.</summary>
        /// <param name="recipe">of this very bundle</param>
        /// <param name="animations">ids; null for all</param>
        /// <param name="cancel">ends it</param>
        /// <exception cref="VcgException">in the task: codes "recipe", "bad_request", "bundle"</exception>
        public async Task<LocalCharacter> Draw(
            Recipe recipe, IEnumerable<string> animations = null, CancellationToken cancel = default(CancellationToken))
        {
            LocalGenerator generator = await Ready();
            return await generator.DrawAsync(recipe, animations, cancel);
        }

        /// <summary>The recipe of a design: the same design gives the same recipe. See <see cref="LocalDesigner"/>.</summary>
        /// <exception cref="VcgException">in the task: codes "bad_request", "bundle"</exception>
        public async Task<Recipe> MakeRecipe(Design design)
        {
            LocalGenerator generator = await Ready();
            return LocalDesigner.Recipe(generator.Manifest, design);
        }

        /// <summary>Lines that the game must show: the bundle's attribution and who drew what.</summary>
        /// <param name="recipe">of one character; null: of all that the bundle can draw</param>
        /// <exception cref="VcgException">in the task: codes "recipe", "bundle"</exception>
        public async Task<IList<string>> Credits(Recipe recipe = null)
        {
            LocalGenerator generator = await Ready();
            Local.Bundle asked = session.Bundle;
            IList<string> lines = recipe == null ? LocalCredits.Lines(asked) : LocalCredits.Lines(asked, recipe);
            var all = new List<string> { generator.Manifest.Attribution };
            all.AddRange(lines);
            return all;
        }

        async Task<LocalGenerator> Open(Session opened)
        {
            if (bundle == null)
                throw new VcgException(
                    "bundle", name + ": the VCG Local Generator has no bundle",
                    "make one with Assets > VCG Bridge > Add Bundle to Game");
            VcgBundle asset = bundle;
            BundleFiles files = asset.Read(); // assets can only be read here; all else is done on other threads
            Func<UnityEngine.Object, BundleNetwork, IFrameNetwork> inference = useInference ? Inference : null;
            var options = new LocalOptions { CacheBytes = (long)cacheMebibytes << 20 };
            if (threads > 0)
                options.Threads = threads;
            opened.Bundle = await Task.Run(() => Local.Bundle.Open(files, BundleCheck.Manifest));
            BundleNetwork[] networks = opened.Bundle.Manifest.Networks;
            var imported = new HashSet<string>();
            foreach (BundleNetwork network in networks)
                if (inference != null && asset.ModelOf(network.Id) != null)
                    imported.Add(network.Id);
            if (imported.Count == 0)
                return new LocalGenerator(opened.Bundle, null, options);
            var queue = new FrameQueue(
                id => inference(asset.ModelOf(id), Array.Find(networks, x => x.Id == id)));
            opened.Queue = queue;
            return new LocalGenerator(
                opened.Bundle, network => imported.Contains(network.Id) ? queue.Of(network) : null, options);
        }

        void Update()
        {
            if (session != null && session.Queue != null)
                session.Queue.Pump();
        }

        void OnDisable()
        {
            End();
        }

        void OnDestroy()
        {
            End(); // it may have been asked while it was disabled
        }

        /// <summary>Never throws.</summary>
        async void End()
        {
            Session ending = session;
            session = null;
            if (ending == null)
                return;
            try
            {
                LocalGenerator generator = await ending.Opening;
                generator.Dispose();
            }
            catch (Exception)
            {
                // It was never opened, and who asked for it has been told why.
            }
            if (ending.Queue != null)
                ending.Queue.Dispose();
        }
    }
}
