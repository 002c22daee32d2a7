using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Vcg.Bridge.Local
{
    /// <summary>How a <see cref="LocalGenerator"/> works.</summary>
    public sealed class LocalOptions
    {
        /// <summary>Views that are worked on at once. 0: everything on the calling thread, where there are no others.</summary>
        public int Threads = Math.Max(1, Environment.ProcessorCount - 1);

        /// <summary>Views of one network that an <see cref="IViewNetwork"/> draws at once.</summary>
        public int Batch = 16;

        /// <summary>Bytes of drawn views that are kept for the next characters.</summary>
        public long CacheBytes = 32 << 20;
    }

    /// <summary>
    /// Draws characters from a bundle without a server. The same recipe gives the same pixels and palette as the Python
    /// package and the server, whatever runs the networks. Safe in threads.
    /// </summary>
    public sealed class LocalGenerator : IDisposable
    {
        readonly Bundle bundle;
        readonly Func<BundleNetwork, IViewNetwork> open;
        readonly LocalOptions options;
        readonly ViewStore store;
        readonly SemaphoreSlim turns;
        readonly ExactNetwork.Pool pool = new ExactNetwork.Pool();
        readonly Dictionary<string, Lazy<ExactNetwork>> exact = new Dictionary<string, Lazy<ExactNetwork>>();
        readonly Dictionary<string, Lazy<IViewNetwork>> fast = new Dictionary<string, Lazy<IViewNetwork>>();
        readonly CancellationTokenSource closed = new CancellationTokenSource();
        int redrawn;

        /// <param name="bundle">what to draw with</param>
        /// <param name="open">gives what runs a network, or null for one that is to be drawn in plain C#; null: all are.
        /// Called once for each network, from any thread</param>
        /// <param name="options">null: as they are by default</param>
        public LocalGenerator(Bundle bundle, Func<BundleNetwork, IViewNetwork> open = null, LocalOptions options = null)
        {
            this.bundle = bundle;
            this.open = open;
            this.options = options ?? new LocalOptions();
            store = new ViewStore(this.options.CacheBytes);
            turns = new SemaphoreSlim(Math.Max(1, this.options.Threads));
            foreach (BundleNetwork each in bundle.Manifest.Networks)
            {
                BundleNetwork network = each;
                exact.Add(network.Id, new Lazy<ExactNetwork>(() => new ExactNetwork(bundle, network)));
                fast.Add(network.Id, new Lazy<IViewNetwork>(() => this.open == null ? null : this.open(network)));
            }
        }

        /// <summary>What it draws with.</summary>
        public BundleManifest Manifest
        {
            get { return bundle.Manifest; }
        }

        /// <summary>Views that were drawn again in double precision so far.</summary>
        public int Redrawn
        {
            get { return Volatile.Read(ref redrawn); }
        }

        /// <summary>Bytes of drawn views that are kept now.</summary>
        public long CachedBytes
        {
            get { return store.Bytes; }
        }

        /// <summary>Ends all drawing: what is under way is cancelled.</summary>
        public void Dispose()
        {
            if (closed.IsCancellationRequested)
                return;
            closed.Cancel();
            foreach (Lazy<IViewNetwork> network in fast.Values)
                if (network.IsValueCreated && network.Value != null)
                    network.Value.Dispose();
        }

        /// <summary>The colours of a recipe, at once: for a character that is shown already and changes its ramps.</summary>
        /// <returns>256 x RGBA</returns>
        /// <exception cref="VcgException">code "recipe": it is not one of this bundle</exception>
        public byte[] Palette(Recipe recipe)
        {
            RecipeCheck.Check(Manifest, recipe);
            return PaletteMaker.Palette(Manifest, recipe);
        }

        /// <summary>Draw a character. The calling thread only starts it, unless <see cref="LocalOptions.Threads"/> is 0.</summary>
        /// <param name="recipe">of this very bundle</param>
        /// <param name="animations">ids; null for all</param>
        /// <param name="cancel">ends it: the task is cancelled</param>
        /// <exception cref="VcgException">in the task: codes "recipe", "bad_request" (no such animation), "bundle"</exception>
        public Task<LocalCharacter> DrawAsync(
            Recipe recipe, IEnumerable<string> animations = null, CancellationToken cancel = default(CancellationToken))
        {
            string[] ids = animations == null ? null : new List<string>(animations).ToArray();
            return Start(() => Draw(recipe, ids, cancel));
        }

        Task<T> Start<T>(Func<Task<T>> work)
        {
            return options.Threads > 0 ? Task.Run(work) : work();
        }

        async Task<LocalCharacter> Draw(Recipe recipe, string[] animations, CancellationToken cancel)
        {
            using (var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, closed.Token))
            {
                both.Token.ThrowIfCancellationRequested();
                int before = Redrawn;
                var plan = new CharacterPlan(Manifest, recipe, animations);
                Dictionary<ViewKey, byte[]> views = await Views(plan.Views(), both.Token);
                return new LocalCharacter(recipe, plan.Compose(views), plan.Palette(), Redrawn - before);
            }
        }

        /// <summary>Those views, kept ones or drawn.</summary>
        async Task<Dictionary<ViewKey, byte[]>> Views(HashSet<ViewKey> keys, CancellationToken cancel)
        {
            var views = new Dictionary<ViewKey, byte[]>();
            while (views.Count < keys.Count)
            {
                var waiting = new List<KeyValuePair<ViewKey, Task<byte[]>>>();
                var missing = new Dictionary<string, List<ViewKey>>();
                foreach (ViewKey key in keys)
                {
                    if (views.ContainsKey(key))
                        continue;
                    bool own;
                    waiting.Add(new KeyValuePair<ViewKey, Task<byte[]>>(key, store.Get(key, out own)));
                    if (own)
                    {
                        string group = key.Part.Network.Id + "/" + key.Classes;
                        if (!missing.ContainsKey(group))
                            missing.Add(group, new List<ViewKey>());
                        missing[group].Add(key);
                    }
                }
                var drawing = new List<Task<bool>>();
                foreach (List<ViewKey> group in missing.Values)
                    foreach (List<ViewKey> batch in Batches(group))
                        drawing.Add(Start(() => DrawBatch(batch, cancel)));
                await Task.WhenAll(drawing);
                foreach (KeyValuePair<ViewKey, Task<byte[]>> view in waiting)
                {
                    try
                    {
                        views.Add(view.Key, await view.Value);
                    }
                    catch (OperationCanceledException)
                    {
                        // Somebody else was drawing it and gave up: in the next round it is ours.
                        cancel.ThrowIfCancellationRequested();
                    }
                }
            }
            return views;
        }

        IEnumerable<List<ViewKey>> Batches(List<ViewKey> keys)
        {
            int most = open == null ? 1 : Math.Max(1, options.Batch);
            for (int i = 0; i < keys.Count; i += most)
                yield return keys.GetRange(i, Math.Min(most, keys.Count - i));
        }

        /// <summary>Draws views of one network and class count into the store. What goes wrong is found there, by everybody who
        /// waits for one of them.</summary>
        async Task<bool> DrawBatch(List<ViewKey> batch, CancellationToken cancel)
        {
            BundleNetwork network = batch[0].Part.Network;
            try
            {
                await turns.WaitAsync(cancel);
                try
                {
                    IViewNetwork fastNetwork = fast[network.Id].Value;
                    float[] logits = fastNetwork == null ? null : await Logits(fastNetwork, network, batch, cancel);
                    ExactNetwork.Room room = pool.Take();
                    for (int i = 0; i < batch.Count; i++)
                        store.Finish(batch[i], Slots(batch[i], room, logits, i));
                    pool.Return(room);
                }
                finally
                {
                    turns.Release();
                }
                return true;
            }
            catch (OperationCanceledException)
            {
                foreach (ViewKey key in batch)
                    store.Fail(key, null);
            }
            catch (Exception error)
            {
                foreach (ViewKey key in batch)
                    store.Fail(key, error);
            }
            return false;
        }

        static async Task<float[]> Logits(
            IViewNetwork fastNetwork, BundleNetwork network, List<ViewKey> batch, CancellationToken cancel)
        {
            int length = batch[0].Code.Values.Length;
            var codes = new float[batch.Count * length];
            var numbers = new int[batch.Count];
            for (int i = 0; i < batch.Count; i++)
            {
                Array.Copy(batch[i].Code.Values, 0, codes, i * length, length);
                numbers[i] = batch[i].View;
            }
            float[] logits = await fastNetwork.LogitsAsync(codes, numbers, cancel);
            int expected = batch.Count * network.Classes * network.Height * network.Width;
            if (logits.Length != expected)
                throw new VcgException(
                    "bundle",
                    network.File + ": gave " + logits.Length + " numbers, the manifest says " + expected,
                    "import the bundle again");
            return logits;
        }

        /// <summary>The palette slots of one view, cleaned.</summary>
        byte[] Slots(ViewKey key, ExactNetwork.Room room, float[] logits, int index)
        {
            bool doubtful = true;
            byte[] classes = logits == null
                ? null
                : Decide(room, key.Part.Network, logits, index, key.Classes, out doubtful);
            if (doubtful)
                classes = exact[key.Part.Network.Id].Value.Draw(room, key.Code.Values, key.View, key.Classes);
            if (doubtful && logits != null)
                Interlocked.Increment(ref redrawn);
            byte[] cleaned = Cleaning.Clean(key.Part, key.View, classes);
            var slots = new byte[cleaned.Length];
            int first = SlotOf(key.Part);
            for (int i = 0; i < slots.Length; i++)
                slots[i] = (byte)(cleaned[i] == 0 ? 0 : first + cleaned[i] - 1);
            return slots;
        }

        /// <summary>The classes of one view of a batch, and whether float noise could change them.</summary>
        static byte[] Decide(
            ExactNetwork.Room room, BundleNetwork network, float[] logits, int index, int classes, out bool doubtful)
        {
            int count = network.Classes * network.Height * network.Width;
            if (room.Logits.Length < count)
                room.Logits = new double[count];
            for (int i = 0; i < count; i++)
                room.Logits[i] = logits[index * count + i];
            if (!Decision.Finite(room.Logits, count))
                throw new VcgException(
                    "bundle", network.File + ": gives numbers that are not finite", "import the bundle again");
            return room.Decision.Classes(room.Logits, classes, network.Height, network.Width, false, out doubtful);
        }

        int SlotOf(BundlePart part)
        {
            foreach (BundleLayer layer in Manifest.Layers)
                if (Array.IndexOf(layer.Parts, part) >= 0)
                    return layer.Slot;
            throw new InvalidOperationException("a part of no layer");
        }
    }
}
