using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using UnityEngine;

namespace Vcg.Bridge
{
    /// <summary>Shows a character of a recipe: from this machine's cache where it was shown before, else from a server,
    /// animation by animation as they come.</summary>
    [AddComponentMenu("VCG Bridge/VCG Character")]
    [DisallowMultipleComponent]
    [RequireComponent(typeof(SpriteRenderer))]
    public sealed class VcgCharacter : MonoBehaviour
    {
        const string CacheFolder = "vcg-characters";

        [SerializeField, Tooltip("Shown when the component starts. May be empty: then a script calls Show.")]
        VcgRecipeAsset recipe;

        [SerializeField, Tooltip("Where characters come from that are not in the cache. Without one only the cache is used.")]
        VcgClientBehaviour client;

        [SerializeField, Tooltip("Animations to draw. None: all of the model.")]
        string[] animations = new string[0];

        [SerializeField, Tooltip("Played first: walk, idle ...")]
        string animationName = "idle";

        [SerializeField, Tooltip("up, left, down or right.")]
        string direction = "down";

        [SerializeField, Tooltip("Pixels of the character that are one unit of the scene.")]
        float pixelsPerUnit = 32;

        [SerializeField, Tooltip("Where the character stands on its position.")]
        PivotPlace pivot = PivotPlace.Feet;

        [SerializeField, Tooltip("With the shader VCG Bridge/Palette Sprite, or one that reads _PaletteTex likewise. None: the package's.")]
        Material material;

        readonly FramePlayer player = new FramePlayer();
        CharacterTextures textures;
        PaletteLook look;
        SpriteRenderer shown;
        Sprite[] sprites;
        CancellationTokenSource loading;
        bool hasStarted;

        /// <summary>The character is complete: all its animations are there.</summary>
        public event Action<VcgCharacter> Completed;

        /// <summary>It could not be drawn. What was there before is still shown.</summary>
        public event Action<VcgCharacter, VcgException> Failed;

        /// <summary>What is shown, or on its way; null without one.</summary>
        public Recipe Recipe { get; private set; }

        /// <summary>Lines of credits of the character; none before it is complete.</summary>
        public IReadOnlyList<string> Credits { get; private set; }

        /// <summary>Id of the animation that plays.</summary>
        public string Animation
        {
            get { return animationName; }
        }

        /// <summary>"up", "left", "down" or "right".</summary>
        public string Direction
        {
            get { return direction; }
        }

        /// <summary>An animation that does not repeat has reached its end.</summary>
        public bool IsOver
        {
            get { return player.IsOver; }
        }

        /// <summary>A copy of the colours: 256 x RGBA. Null before there are any.</summary>
        public byte[] Palette
        {
            get { return look == null ? null : look.Colours; }
        }

        /// <summary>Show the character of a recipe.</summary>
        /// <param name="of">the recipe</param>
        public void Show(Recipe of)
        {
            Stop();
            Recipe = of;
            Credits = new string[0];
            loading = new CancellationTokenSource();
            Load(of, loading.Token);
        }

        /// <summary>Show a character that is there already: drawn by a VcgClient or a local generator.</summary>
        /// <param name="of">its recipe</param>
        /// <param name="frames">its frames, see PictureFrames</param>
        /// <param name="palette">256 x RGBA</param>
        /// <param name="credits">lines of credits, where they are known</param>
        public void Show(Recipe of, FrameSet frames, byte[] palette, IReadOnlyList<string> credits = null)
        {
            Stop();
            Recipe = of;
            Credits = credits ?? new string[0];
            Begin(palette);
            textures.Add(frames);
            Refresh(true);
            Tell();
        }

        /// <summary>Play an animation from its start, seen from a side. It starts when it has come, where it has not.</summary>
        /// <param name="animation">id: "walk"</param>
        /// <param name="side">"up", "left", "down" or "right"; null: as now</param>
        public void Play(string animation, string side = null)
        {
            animationName = animation;
            direction = side ?? direction;
            Refresh(true);
        }

        /// <summary>Turn to a side; the animation goes on.</summary>
        /// <param name="side">"up", "left", "down" or "right"</param>
        public void Face(string side)
        {
            if (side == direction)
                return;
            direction = side;
            Refresh(false);
        }

        /// <summary>Turn to where one goes; the animation goes on. Nothing happens where one stands.</summary>
        /// <param name="movement">in the scene: x to the right, y up</param>
        public void Face(Vector2 movement)
        {
            var across = movement.x < 0 ? -movement.x : movement.x;
            var along = movement.y < 0 ? -movement.y : movement.y;
            if (across > along)
                Face(movement.x < 0 ? "left" : "right");
            else if (along > 0)
                Face(movement.y < 0 ? "down" : "up");
        }

        /// <summary>Other colours, at once and in every frame. See Recolour.</summary>
        /// <param name="palette">256 x RGBA</param>
        public void SetPalette(byte[] palette)
        {
            if (look == null)
                throw new InvalidOperationException("The character has no picture yet: wait for Completed.");
            look.Set(palette);
            look.ApplyTo(shown);
        }

        void Start()
        {
            hasStarted = true;
            if (recipe != null && Recipe == null && recipe.Recipe != null)
                Show(recipe.Recipe);
        }

        void OnEnable()
        {
            if (!hasStarted || textures != null)
                return;
            var again = Recipe ?? (recipe == null ? null : recipe.Recipe); // after a reload of the scripts only the asset is left
            if (again != null)
                Show(again);
        }

        void OnDisable()
        {
            Stop();
        }

        void OnDestroy()
        {
            Stop();
            Free();
        }

        void Update()
        {
            if (sprites != null && player.Advance(Time.deltaTime))
                shown.sprite = sprites[player.Frame];
        }

        /// <summary>Never throws: what goes wrong is told by Failed.</summary>
        async void Load(Recipe of, CancellationToken cancel)
        {
            try
            {
                var cache = new CharacterCache(Path.Combine(Application.persistentDataPath, CacheFolder));
                var key = CharacterCache.Key(of, animations);
                var known = await Task.Run(() => cache.Find(key)); // comes back to the main thread: Unity's context sees to it
                if (cancel.IsCancellationRequested)
                    return;
                if (known != null)
                {
                    Begin(known.Palette);
                    textures.Add(known.Frames);
                    Credits = known.Credits;
                    Refresh(true);
                    Tell();
                    return;
                }
                await Draw(of, cache, key, cancel);
            }
            catch (OperationCanceledException)
            {
                // another one is shown, or none
            }
            catch (VcgException error)
            {
                if (!cancel.IsCancellationRequested)
                    Fail(error);
            }
        }

        async Task Draw(Recipe of, CharacterCache cache, string key, CancellationToken cancel)
        {
            var from = client == null ? null : client.Client;
            if (from == null)
                throw new VcgException(Vocabulary.ErrorCode.NoServer, "the character is not in the cache, and there is no enabled VcgClientBehaviour", "set one");
            var all = new FrameSet();
            byte[] palette = null;
            IReadOnlyList<string> credits = new string[0];
            using (var job = from.Generate(new GenerateRequest { Recipe = of, Animations = animations, Preview = true }))
            {
                while (true)
                {
                    var picture = await job.NextAsync(cancel);
                    if (picture == null)
                        break;
                    var frames = await Task.Run(() => PictureFrames.Of(picture));
                    cancel.ThrowIfCancellationRequested();
                    if (palette == null)
                        Begin(palette = picture.Palette);
                    if (picture.Kind != "preview")
                        foreach (var timing in frames.Animations)
                            all.Add(timing, frames.Of(timing.Id));
                    if (picture.IsLast)
                        credits = picture.Credits;
                    textures.Add(frames);
                    Refresh(false);
                }
            }
            Credits = credits;
            Tell();
            await Task.Run(() => cache.Keep(key, new CachedCharacter(all, palette, credits)));
        }

        /// <summary>Another character begins: its colours are there, its pictures come.</summary>
        void Begin(byte[] palette)
        {
            Free();
            shown = GetComponent<SpriteRenderer>();
            shown.sharedMaterial = material != null ? material : PaletteLook.SharedMaterial;
            textures = new CharacterTextures(pixelsPerUnit, pivot);
            look = new PaletteLook();
            look.Set(palette);
            look.ApplyTo(shown);
        }

        /// <summary>Show the frame that is due: of the animation that is wanted, else of one that is there.</summary>
        void Refresh(bool fromStart)
        {
            if (textures == null)
                return;
            var playing = animationName;
            if (textures.Timing(playing) == null)
                foreach (var other in textures.Animations)
                {
                    playing = other;
                    break;
                }
            var timing = textures.Timing(playing);
            if (timing == null)
                return;
            sprites = textures.Sprites(playing, direction);
            if (fromStart)
                player.Start(timing, sprites.Length);
            else
                player.Change(timing, sprites.Length);
            shown.sprite = sprites[player.Frame];
            look.ApplyTo(shown);
        }

        void Tell()
        {
            if (Completed != null)
                Completed(this);
        }

        void Fail(VcgException error)
        {
            if (Failed != null)
                Failed(this, error);
            else
                Debug.LogError("VCG Bridge: " + error.Text, this);
        }

        void Stop()
        {
            if (loading != null)
                loading.Cancel();
            loading = null;
        }

        void Free()
        {
            sprites = null;
            if (shown != null)
                shown.sprite = null;
            if (textures != null)
                textures.Dispose();
            textures = null;
            if (look != null)
                look.Dispose();
            look = null;
        }
    }
}
