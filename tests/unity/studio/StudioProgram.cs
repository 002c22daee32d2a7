using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using Vcg.Bridge;
using Vcg.Bridge.Editor;

/// Drives the window's model as the window does: one thread that drains the queue. Writes what came of each scenario.
///
///     StudioProgram.exe SCENARIO FOLDER ADDRESS PROGRAM
///
/// Each line of the output is "NAME VALUE"; tests/unity/test_studio.py knows what it must be.
static class StudioProgram
{
    static string folder, address, program;

    static readonly Dictionary<string, Action> Scenarios = new Dictionary<string, Action>
    {
        { "edit", Edit }, { "live", Live }, { "own", Own }, { "reload", Reload }, { "plain", Plain },
        { "offered", Offered }, { "foreign", Foreign },
    };

    static int Main(string[] arguments)
    {
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = new CultureInfo("de-DE");
        folder = arguments[1];
        address = arguments[2];
        program = arguments[3];
        Scenarios[arguments[0]]();
        return 0;
    }

    /// A window: its queue, connection and studio, and the steps that it would give to the editor's undo.
    sealed class Window : IDisposable
    {
        public readonly MainQueue Queue = new MainQueue();
        public readonly Studio Studio;
        public readonly ServerKeeper Keeper;
        public readonly List<string> Steps = new List<string>();
        public readonly List<string> Drafts = new List<string>();
        public int Finished, Saved, Told;

        public Window(KeeperSettings settings, string draft = "")
        {
            Studio = new Studio(Queue, new Random(7));
            Keeper = new ServerKeeper(Queue, () => settings);
            Studio.Restore(draft);
            Keeper.Described += Studio.Attach;
            Keeper.Changed += () =>
            {
                if (Keeper.State != KeeperState.Ready && Keeper.State != KeeperState.Lost && Studio.IsReady)
                    Studio.Detach();
            };
            Studio.Changed += () => Told++;
            Studio.Finished += character => Finished++;
            Studio.Saving += character => Saved++;
            Studio.Stepped += name =>
            {
                Steps.Add(name);
                Drafts.Add(Studio.Draft.ToString());
            };
            Keeper.Begin();
        }

        /// Lets the editor's time go by until something is so.
        public void Until(string what, Func<bool> done)
        {
            var clock = Stopwatch.StartNew();
            while (!done())
            {
                if (clock.Elapsed.TotalSeconds > 60)
                    throw new TimeoutException(what + ": " + Keeper.State + " " + Keeper.Words + "; " + Studio.Trouble);
                Queue.Drain();
                Keeper.Poll();
                Thread.Sleep(2);
            }
        }

        public void Quiet()
        {
            Until("quiet", () => !Studio.IsBusy);
        }

        public void Dispose()
        {
            Queue.Close();
            Studio.Dispose();
            Keeper.Dispose();
        }
    }

    static KeeperSettings There()
    {
        return new KeeperSettings { Address = address, Start = false };
    }

    static void Edit()
    {
        using (var window = new Window(There()))
        {
            var studio = window.Studio;
            window.Until("ready", () => studio.IsReady);
            Say("words", window.Keeper.Words);
            Say("own", window.Keeper.IsOwn);
            studio.Changing("Change archetype", draft => draft.Archetype = "guard");
            studio.Changing("Change seed", draft => draft.Seed = 11);
            studio.Changing("Change seed", draft => draft.Seed = 11); // no step
            studio.Generate();
            window.Quiet();
            File.WriteAllBytes(Path.Combine(folder, "guard.json"), RecipeJson.Write(studio.Draft.Recipe));
            WriteRows("guard", studio.Shown);
            Say("credits", studio.Shown.Credits.Count);
            var strip = PreviewStrip.Of(studio.Shown.Frames, "combat-slash", 1, studio.Shown.Palette);
            Say("preview", strip.Width + " " + strip.Height);
            File.WriteAllBytes(Path.Combine(folder, "preview.rgba"), strip.Rgba);
            Say("no preview", PreviewStrip.Of(studio.Shown.Frames, "walk", 99, studio.Shown.Palette) == null);
            var guard = studio.Draft.Recipe;
            var drafted = studio.Draft.ToString();

            studio.SetRamp("torso", "wine");
            Say("ramp asked the server", studio.IsBusy);
            Say("ramp", studio.Draft.Recipe.Ramps["torso"]);
            File.WriteAllBytes(Path.Combine(folder, "wine.palette"), studio.Shown.Palette);
            File.WriteAllBytes(Path.Combine(folder, "wine.json"), RecipeJson.Write(studio.Draft.Recipe));

            studio.SetLock("body", true);
            studio.SetLock("torso", true);
            studio.Reroll();
            window.Quiet();
            Say("reroll keeps what is locked", Same(guard, studio.Draft.Recipe, "body", "torso") && studio.Draft.Recipe.Ramps["torso"] == "wine");
            Say("reroll seed", studio.Draft.Recipe.Seed == studio.Draft.Seed);
            studio.SetLock("body", false);
            studio.SetLock("torso", false);

            window.Queue.Post(() => studio.Restore(drafted)); // undo
            window.Until("undone", () => studio.Draft.ToString() == drafted);
            window.Quiet();
            Say("undo", RecipeJson.Write(studio.Draft.Recipe).SequenceEqual(RecipeJson.Write(guard)));
            WriteRows("undone", studio.Shown);

            studio.SetItem("helm", null);
            window.Quiet();
            Say("helm", studio.Draft.Recipe.Layers.ContainsKey("helm"));
            Say("the rest stays", Same(guard, studio.Draft.Recipe, "body", "torso", "sword"));
            var before = studio.Draft.Recipe;
            for (var i = 0; i < 20 && Same(before, studio.Draft.Recipe, "torso"); i++)
            {
                studio.RerollLayer("torso");
                window.Quiet();
            }
            Say("only the layer is rolled", !Same(before, studio.Draft.Recipe, "torso") && Same(before, studio.Draft.Recipe, "body", "sword"));

            studio.MakeVariations();
            window.Quiet();
            Say("variations", studio.Variations.Select(x => Encoding.UTF8.GetString(RecipeJson.Write(x.Recipe))).Distinct().Count());
            Say("faces", studio.Variations.All(x => x.Face != null));
            studio.Pick(studio.Variations[3].Recipe, "Pick variation");
            Say("picked is shown at once", studio.Shown != null && studio.Shown.Face != null);
            window.Quiet();
            Say("picked is drawn", studio.WantedAnimations().All(studio.Shown.Has));

            studio.Changing("Choose animations", draft => draft.Animations.Add("idle"));
            studio.See("climb");
            window.Quiet();
            var saves = window.Saved;
            studio.Save();
            window.Quiet();
            Say("saved", window.Saved - saves);
            var plan = SavePlan.Of(
                studio.Draft.SaveName, studio.Shown.Frames.InOrder(studio.Description.Animations.Select(x => x.Id)), studio.Shown.Palette,
                studio.Shown.Recipe, studio.Shown.Credits, studio.Description.Attribution, new SaveOptions());
            File.WriteAllBytes(Path.Combine(folder, "saved.png"), plan.Png);
            File.WriteAllBytes(Path.Combine(folder, "saved.vcg.json"), plan.Recipe);
            Say("face", plan.Face);
            Say("name", plan.Name == studio.Draft.Recipe.Archetype + "-" + studio.Draft.Recipe.Seed);

            studio.Changing("Change archetype", draft => draft.Archetype = "nobody");
            studio.Generate();
            window.Quiet();
            Say("trouble", studio.Trouble);
            Say("still there", studio.Shown != null);
            Say("steps", string.Join(", ", window.Steps));
            Say("told", window.Told > 0);

            var history = new NpcHistory();
            Say("history takes", history.Add(studio.Shown));
            Say("history takes twice", history.Add(studio.Shown));
            history.Add(studio.Variations[0]);
            history.Add(studio.Shown);
            Say("history moves", history.Entries.Count == 2 && ReferenceEquals(history.Entries[0].Face, studio.Shown.Face));
            var again = new NpcHistory();
            again.Restore(history + "damaged line\n" + "a b c d\n");
            Say("history", again.Entries.Count == 2 && again.ToString() == history.ToString());
        }
    }

    static void Live()
    {
        using (var window = new Window(There()))
        {
            var studio = window.Studio;
            window.Until("ready", () => studio.IsReady);
            studio.See("walk");
            studio.GenerateWhenReady();
            window.Quiet();
            studio.SetItem("hair", "short-02-cowlick");
            studio.SetItem("helm", null);
            window.Quiet();
            studio.SetItem("hair", "short-02-cowlick");
            window.Quiet();
            var before = studio.Draft.Recipe;
            var steps = window.Steps.Count;
            for (var percent = 5; percent <= 100; percent += 5)
            {
                studio.SetControl("hair/length", percent);
                window.Until("a moment", () => true);
                Thread.Sleep(3);
                window.Queue.Drain();
            }
            Say("steps while it moves", window.Steps.Count - steps);
            window.Until("drawn", () => !studio.IsBusy);
            studio.Settle();
            window.Quiet();
            Say("steps when it rests", window.Steps.Count - steps);
            Say("all animations", studio.WantedAnimations().All(studio.Shown.Has));
            Say("base", Encoding.UTF8.GetString(RecipeJson.Write(before)));
            Say("moved", Encoding.UTF8.GetString(RecipeJson.Write(studio.Draft.Recipe)));
            Say("slider", studio.Draft.Controls["hair/length"]);
            var steady = studio.Draft.ToString();
            studio.SetNovelty(100);
            window.Until("novel", () => !studio.IsBusy);
            studio.Settle();
            window.Quiet();
            Say("novel", studio.Draft.Recipe.Novelty);
            studio.Restore(steady);
            window.Quiet();
            Say("slider after undo", studio.Draft.Controls["hair/length"]);
            studio.Generate();
            studio.Cancel();
            Say("busy after cancel", studio.IsBusy);
        }
    }

    /// No server answers: one is started, killed, started again, and let go.
    static void Own()
    {
        var settings = new KeeperSettings { Address = address, Program = program };
        int first, second;
        using (var window = new Window(settings))
        {
            var states = new List<KeeperState>();
            window.Keeper.Changed += () => states.Add(window.Keeper.State);
            window.Until("ready", () => window.Studio.IsReady);
            Say("states", string.Join(" ", states.Distinct()));
            first = window.Keeper.OwnId;
            Say("own", window.Keeper.IsOwn);
            window.Studio.Generate();
            window.Until("the first picture", () => window.Studio.Shown != null);
            Process.GetProcessById(first).Kill();
            window.Until("another server", () => window.Keeper.OwnId != first && window.Keeper.OwnId != 0 && window.Studio.IsReady);
            second = window.Keeper.OwnId;
            window.Quiet();
            Say("goes on", window.Studio.Trouble.Length == 0 && window.Studio.WantedAnimations().All(window.Studio.Shown.Has));
            window.Keeper.Begin(); // the user presses Connect
            window.Until("a third", () => window.Studio.IsReady && window.Keeper.OwnId != 0 && window.Keeper.OwnId != second);
            Until("the server that was let go has ended", () => !Runs(second));
            Say("pids", first + " " + second + " " + window.Keeper.OwnId);
        }
        address = "tcp://127.0.0.1:1"; // nothing is there, nor can be
        settings = new KeeperSettings { Address = address, Program = "/bin/false" };
        using (var window = new Window(settings))
        {
            window.Until("missing", () => window.Keeper.State == KeeperState.Missing);
            Say("cannot start", window.Keeper.Words);
        }
        using (var window = new Window(new KeeperSettings { Address = address, Program = null }))
        {
            window.Until("missing", () => window.Keeper.State == KeeperState.Missing);
            Say("no program", window.Keeper.Words);
        }
        using (var window = new Window(new KeeperSettings { Address = "tcp://nonsense", Program = program }))
        {
            window.Until("refused", () => window.Keeper.State == KeeperState.Refused);
            Say("bad address", window.Keeper.Words);
        }
    }

    static void Until(string what, Func<bool> done)
    {
        for (var i = 0; !done(); i++)
        {
            if (i > 6000)
                throw new TimeoutException(what);
            Thread.Sleep(10);
        }
    }

    /// Whether a process is there, and not only its entry that nobody has read yet.
    static bool Runs(int process)
    {
        try
        {
            var stat = File.ReadAllText("/proc/" + process + "/stat");
            return stat.Substring(stat.LastIndexOf(')') + 2, 1) != "Z";
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// A server that is not ours goes away and comes back; a character is asked for while it is gone.
    static void Foreign()
    {
        using (var window = new Window(There(), "seed 5\n"))
        {
            var states = new List<KeeperState>();
            window.Keeper.Changed += () => states.Add(window.Keeper.State);
            window.Until("ready", () => window.Studio.IsReady);
            Console.WriteLine("SIGNAL end it");
            Console.Out.Flush();
            window.Until("lost", () => window.Keeper.State == KeeperState.Lost);
            window.Studio.Generate();
            Console.WriteLine("SIGNAL start it again");
            Console.Out.Flush();
            window.Until("the character", () => window.Studio.Shown != null);
            window.Until("ready again", () => window.Keeper.State == KeeperState.Ready); // the description may come after the character
            window.Quiet();
            Say("states", string.Join(" ", states));
            Say("seed", window.Studio.Draft.Recipe.Seed);
            Say("complete", window.Studio.WantedAnimations().All(window.Studio.Shown.Has));
            Say("own", window.Keeper.IsOwn);
            WriteRows("foreign", window.Studio.Shown);
        }
    }

    /// Scripts are reloaded again and again, at any moment: nothing stays behind, and what was asked for comes.
    static void Reload()
    {
        var text = "";
        var unfinished = false;
        var threads = 0;
        for (var round = 0; round < 24; round++)
        {
            using (var window = new Window(There(), text))
            {
                if (unfinished)
                    window.Studio.GenerateWhenReady();
                else if (round == 0)
                    window.Studio.Changing("seed", draft => draft.Seed = 77);
                window.Until("a moment", () => round % 4 == 0 || window.Studio.IsReady);
                if (round % 4 != 0 && window.Studio.IsReady)
                    window.Studio.Generate();
                if (round % 4 == 2)
                    window.Until("drawing", () => window.Studio.Shown != null);
                unfinished = window.Studio.IsUnfinished;
                text = window.Studio.Draft.ToString();
            }
            if (round == 10)
                threads = Threads();
        }
        Say("threads are not more", Threads() <= threads + 2);
        using (var window = new Window(There(), "seed 78\n"))
        {
            window.Studio.GenerateWhenReady(); // nothing is connected yet
            window.Until("asked for early", () => window.Studio.Shown != null);
            Say("asked for before there was a server", window.Studio.Draft.Recipe.Seed);
        }
        using (var window = new Window(There(), text))
        {
            if (unfinished)
                window.Studio.GenerateWhenReady();
            window.Until("there", () => window.Studio.IsReady && window.Studio.Shown != null);
            window.Quiet();
            Say("seed", window.Studio.Draft.Recipe.Seed);
            Say("complete", window.Studio.WantedAnimations().All(window.Studio.Shown.Has));
            File.WriteAllBytes(Path.Combine(folder, "reload.json"), RecipeJson.Write(window.Studio.Draft.Recipe));
            WriteRows("reload", window.Studio.Shown);
        }
    }

    static int Threads()
    {
        return Directory.Exists("/proc/self/task") ? Directory.GetDirectories("/proc/self/task").Length : Process.GetCurrentProcess().Threads.Count;
    }

    /// What needs no server.
    static void Plain()
    {
        var draft = new Draft();
        draft.Restore("archetype a guard\nseed -3\nnovelty 400\ncontrol 250 hair/length\ncontrol x y\nrecipe {}\nlock hair\nunknown 3\nfolder Assets/N P C\n");
        Say("draft", draft.ToString().TrimEnd('\n').Replace("\n", " | "));
        draft.FileName = "two\nlines";
        var copy = new Draft();
        copy.Restore(draft.ToString());
        Say("copy", copy.ToString() == draft.ToString());
        var bin = Path.Combine(folder, "project", ".venv", "bin");
        var path = Path.Combine(folder, "path");
        Directory.CreateDirectory(bin);
        Directory.CreateDirectory(path);
        File.WriteAllText(Path.Combine(path, "vcg"), "");
        Func<string, string> environment = name => name == "PATH" ? "/nowhere" + Path.PathSeparator + path : null;
        var project = Path.Combine(folder, "project");
        Say("in PATH", ServerProgram.Find("", project, environment, false) == Path.Combine(path, "vcg"));
        File.WriteAllText(Path.Combine(bin, "vcg"), "");
        Say("in the project", ServerProgram.Find("", project, environment, false) == Path.Combine(bin, "vcg"));
        Say("configured", ServerProgram.Find(path, project, environment, false) == Path.Combine(path, "vcg"));
        Say("configured wrongly", ServerProgram.Find(folder, project, environment, false) ?? "null");
        Say("nowhere", ServerProgram.Find("", folder, name => null, true) ?? "null");
        var queue = new MainQueue();
        var seen = new List<int>();
        queue.Post(() => { seen.Add(1); queue.Post(() => seen.Add(2)); });
        Say("drained", queue.Drain() + " " + queue.Drain() + " " + string.Join(",", seen));
        queue.Close();
        queue.Post(() => seen.Add(3));
        Say("closed", queue.Drain());
        Cache();
        Player();
    }

    /// What the window offers for a character: of the tiny bundle's rules.
    static void Offered()
    {
        using (var client = new VcgClient(new VcgClientOptions { Address = address }))
        {
            var description = client.DescribeAsync().Result;
            Func<string, LayerInfo> layer = id => description.Layers.First(x => x.Id == id);
            var layers = new Dictionary<string, LayerChoice>
            {
                { "body", new LayerChoice("body-02-broad") }, { "torso", new LayerChoice("shirt-01-plain.m", "coat-01.m", 30) },
                { "helm", new LayerChoice("helm-02-open") }, { "hair", new LayerChoice("short-02-cowlick", new[] { 1, 2 }) },
            };
            var recipe = new Recipe("tiny", description.Sha256, 1, "", 0, layers, new Dictionary<string, string>());
            Func<string, Recipe, string> items = (id, of) => string.Join(" ", Choices.Items(description, layer(id), of).Select(x => x.Id));
            Say("torso", items("torso", recipe));
            Say("torso of nobody", items("torso", null));
            Say("hair", items("hair", recipe));
            Say("bodies", items("body", recipe));
            Say("words", string.Join(", ", new[] { "body", "torso", "hair", "sword" }.Select(id => Choices.WordsFor(layer(id), recipe))));
            Say("controls", string.Join(" ", Choices.Controls(layer("hair"), recipe).Select(x => x.Id)) + ";" + Choices.Controls(layer("torso"), recipe).Count
                + ";" + Choices.Controls(layer("hair"), null).Count);
            Say("hidden", Choices.HiddenBy(description, layer("hair"), recipe));
            layers["helm"] = new LayerChoice("helm-01-closed");
            var closed = new Recipe("tiny", description.Sha256, 1, "", 0, layers, new Dictionary<string, string>());
            Say("hidden now", Choices.HiddenBy(description, layer("hair"), closed) + ";" + Choices.HiddenBy(description, layer("torso"), closed));
            Say("materials", string.Join(" ", description.Layers.SelectMany(x => Choices.OwnMaterials(description, x)).Select(x => x.Group)));
        }
    }

    static void Cache()
    {
        var set = new FrameSet();
        set.Add(new AnimationTiming("walk", 12.5, true), new[] { new Frame("walk", "down", 0, 2, 3, new byte[] { 0, 1, 2, 3, 4, 255 }) });
        var character = new CachedCharacter(set, Enumerable.Range(0, 1024).Select(i => (byte)i).ToArray(), new[] { "Ä: B. C" });
        var file = character.ToFile();
        var again = CachedCharacter.FromFile(file);
        Say("cached", again.ToFile().SequenceEqual(file) && again.Frames.Frames[0].Slots.SequenceEqual(set.Frames[0].Slots) && again.Credits[0] == "Ä: B. C"
            && again.Frames.Timing("walk").Fps == 12.5f);
        var damaged = 0;
        for (var i = 0; i < file.Length; i++)
        {
            var bad = (byte[])file.Clone();
            bad[i] ^= 0x40;
            if (CachedCharacter.FromFile(bad) == null)
                damaged++;
        }
        Say("every damage is seen", damaged == file.Length && CachedCharacter.FromFile(file.Take(file.Length - 1).ToArray()) == null);
        var cache = new CharacterCache(Path.Combine(folder, "cache"), file.Length * 2 + 10);
        Say("empty", cache.Find("a") == null);
        foreach (var key in new[] { "a", "b" })
        {
            cache.Keep(key, character);
            File.SetLastWriteTimeUtc(Path.Combine(folder, "cache", key + ".vcgc"), new DateTime(2020, 1, key[0] - 'a' + 1));
        }
        Say("found", cache.Find("a") != null); // and so b is the one that was not used for the longest time
        cache.Keep("c", character);
        Say("swept", (cache.Find("a") != null) + " " + (cache.Find("b") != null) + " " + (cache.Find("c") != null));
        File.WriteAllText(Path.Combine(folder, "cache", "c.vcgc"), "nonsense");
        Say("damaged is not found", cache.Find("c") == null && !File.Exists(Path.Combine(folder, "cache", "c.vcgc")));
        File.WriteAllText(Path.Combine(folder, "file"), "");
        Say("no folder", new CharacterCache(Path.Combine(folder, "file", "cache")).Keep("a", character));
    }

    static void Player()
    {
        var player = new FramePlayer();
        player.Start(new AnimationTiming("walk", 8, true), 3);
        var frames = new List<int>();
        for (var i = 0; i < 8; i++)
        {
            frames.Add(player.Frame);
            player.Advance(1 / 8.0);
        }
        Say("loops", string.Join(" ", frames));
        player.Start(new AnimationTiming("slash", 10, false), 3);
        player.Advance(0.25);
        Say("once", player.Frame + " " + player.IsOver);
        player.Advance(5);
        Say("over", player.Frame + " " + player.IsOver);
        player.Start(new AnimationTiming("walk", 0, true), 1);
        Say("still", player.Advance(100) + " " + player.Frame);
    }

    static void WriteRows(string name, NpcCharacter character)
    {
        var sheet = RowsLayout.LayOut(character.Frames.InOrder(new[] { "walk", "idle", "climb", "combat-slash" }));
        File.WriteAllBytes(Path.Combine(folder, name + ".rows"), sheet.Slots);
        File.WriteAllBytes(Path.Combine(folder, name + ".palette"), character.Palette);
    }

    static bool Same(Recipe one, Recipe other, params string[] layers)
    {
        Func<Recipe, string, string> text = (recipe, layer) =>
        {
            LayerChoice choice;
            return !recipe.Layers.TryGetValue(layer, out choice)
                ? "" : choice.Item + " " + choice.Mix + " " + choice.Amount + " " + (choice.Code == null ? "" : string.Join(",", choice.Code));
        };
        return layers.All(layer => text(one, layer) == text(other, layer));
    }

    static void Say(string name, object value)
    {
        Console.WriteLine(name + "\t" + value);
    }
}
