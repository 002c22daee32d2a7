using System;
using System.Collections.Generic;
using System.Threading;
using UnityEngine;
using Vcg.Bridge.Local;

namespace Vcg.Bridge.Samples
{
    /// <summary>Two hundred different people who walk about and now and then change the colour of something they wear. They come
    /// one by one, while the game runs: from the local generator if there is one beside this component, else from a server.</summary>
    [AddComponentMenu("VCG Bridge/Samples/Village")]
    public sealed class Village : MonoBehaviour
    {
        [SerializeField, Tooltip("People.")]
        int count = 200;

        [SerializeField, Tooltip("Of the first one; the next has the next.")]
        int firstSeed = 1;

        [SerializeField, Tooltip("Percent of what they wear that no artist drew: mixtures of two items.")]
        int novelty = 30;

        [SerializeField, Tooltip("Units across.")]
        float width = 30;

        [SerializeField, Tooltip("Units along.")]
        float height = 16;

        [SerializeField, Tooltip("Seconds between two changes of colour somewhere in the village.")]
        float recolourEvery = 0.25f;

        readonly List<Villager> villagers = new List<Villager>();
        readonly System.Random random = new System.Random(1);
        CancellationTokenSource leaving;
        CrowdSource source;
        int arrived;
        float sinceRecolour;

        /// <summary>People who have come.</summary>
        public int Arrived
        {
            get { return arrived; }
        }

        void OnEnable()
        {
            leaving = new CancellationTokenSource();
            SetUpCamera();
            for (int i = villagers.Count; i < count; i++)
                villagers.Add(Settle(i));
            Fill(leaving.Token);
        }

        void OnDisable()
        {
            leaving.Cancel();
        }

        Villager Settle(int number)
        {
            var person = new GameObject("villager " + (number + 1));
            person.AddComponent<SpriteRenderer>();
            person.AddComponent<VcgCharacter>();
            var villager = person.AddComponent<Villager>();
            villager.transform.SetParent(transform);
            villager.Begin(new Wander(number, width, height));
            return villager;
        }

        /// <summary>Never throws: what goes wrong is written to the console.</summary>
        async void Fill(CancellationToken cancel)
        {
            var local = GetComponent<VcgLocalGenerator>();
            var client = GetComponent<VcgClientBehaviour>();
            try
            {
                if (local == null && client == null)
                    throw new VcgException(
                        "no_server", "the village has neither a VCG Local Generator nor a VCG Client beside it",
                        "add one of the two");
                source = local != null ? (CrowdSource)new LocalCrowd(local) : new ServerCrowd(client);
                arrived = 0;
                await source.Draw(firstSeed, novelty, count, Come, cancel);
            }
            catch (OperationCanceledException)
            {
                // the village was left
            }
            catch (VcgException error)
            {
                Debug.LogError("Village: " + error.Text, this);
            }
        }

        void Come(Recipe recipe, FrameSet frames, byte[] palette, IReadOnlyList<string> credits)
        {
            villagers[arrived].Show(recipe, frames, palette, credits);
            arrived++;
        }

        void Update()
        {
            sinceRecolour += Time.deltaTime;
            if (arrived == 0 || sinceRecolour < recolourEvery)
                return;
            sinceRecolour = 0;
            Recolour(villagers[random.Next(arrived)]);
        }

        /// <summary>Another colour for something that somebody wears: only the palette changes.</summary>
        void Recolour(Villager villager)
        {
            var groups = new List<string>(villager.Recipe.Ramps.Keys);
            groups.Remove("skin");
            groups.Remove("eyes");
            if (groups.Count == 0)
                return;
            string group = groups[random.Next(groups.Count)];
            IReadOnlyList<string> ramps = source.Ramps(group);
            var change = new Dictionary<string, string> { { group, ramps[random.Next(ramps.Count)] } };
            Recipe recipe = villager.Recipe.Recoloured(change);
            byte[] palette = villager.GetComponent<VcgCharacter>().Palette;
            villager.Recolour(recipe, source.Palette(recipe, palette));
        }

        void SetUpCamera()
        {
            Camera camera = Camera.main;
            if (camera == null)
                camera = new GameObject("camera").AddComponent<Camera>();
            camera.orthographic = true;
            camera.orthographicSize = height / 2 + 1;
            camera.clearFlags = CameraClearFlags.SolidColor;
            camera.backgroundColor = new Color(0.36f, 0.48f, 0.3f);
            camera.transform.position = new Vector3(0, 0, -10);
        }
    }
}
