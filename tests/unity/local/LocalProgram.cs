using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Vcg.Bridge;
using Vcg.Bridge.Local;
using Vcg.Bridge.Samples;

/// <summary>
/// Runs Runtime/Core/Local. The one argument is a file of commands, a line each, words between tabs; for each there is one
/// line of output: "ok" and what was found, or "error", code, message and hint. See tests/unity/test_local.py.
/// </summary>
static class LocalProgram
{
    static readonly Dictionary<string, LocalGenerator> generators = new Dictionary<string, LocalGenerator>();

    static readonly Dictionary<string, FrameQueue> frames = new Dictionary<string, FrameQueue>();

    static int Main(string[] arguments)
    {
        foreach (string line in File.ReadAllLines(arguments[0]))
        {
            string[] words = line.Split('\t');
            string answer;
            try
            {
                answer = "ok\t" + Run(words);
            }
            catch (VcgException error)
            {
                answer = "error\t" + error.Code + "\t" + error.Message + "\t" + error.Hint;
            }
            Console.WriteLine(answer.Replace("\n", " "));
        }
        foreach (LocalGenerator generator in generators.Values)
            generator.Dispose();
        foreach (FrameQueue queue in frames.Values)
            queue.Dispose();
        return FrameNetwork.Open == 0 ? 0 : 1;
    }

    static string Run(string[] words)
    {
        switch (words[0])
        {
            case "open": // FOLDER
                return Bundle.Open(BundleFiles.FromFolder(words[1])).Manifest.Sha256;
            case "bytes": // FOLDER: the same from memory, of the manifest alone
                return Bundle.Open(InMemory(words[1]), BundleCheck.Manifest).Manifest.Sha256;
            case "manifest": // FILE
                return ManifestReader.Read(File.ReadAllBytes(words[1]), "manifest.json").Sha256;
            case "check": // FOLDER RECIPE: is the recipe one of the bundle?
                RecipeCheck.Check(Bundle.Open(BundleFiles.FromFolder(words[1])).Manifest, ReadRecipe(words[2]));
                return "";
            case "design": // FOLDER SEED ARCHETYPE BODY NOVELTY ITEMS RAMPS, the last two as a=b,c=d
                return DesignOf(words);
            case "install": // FOLDER TARGET LAYERS|*
                return Install(words[1], words[2], words[3]);
            case "credits": // FOLDER RECIPE|""
                return Credits(words[1], words[2]);
            case "wander": // how the sample's villagers walk
                return Walk();
            case "recipe": // FILE
                return Encoding.UTF8.GetString(RecipeJson.Write(RecipeJson.Read(File.ReadAllBytes(words[1]), words[1])));
            case "draw": // FOLDER RECIPE ANIMATIONS|* LOGITS|"" OUT
                return Draw(words[1], words[2], words[3], words[4], words[5]);
            case "together": // FOLDER RECIPE: what several threads get of one generator
                return Together(words[1], words[2]);
            case "cancel": // FOLDER RECIPE
                return Cancel(words[1], words[2]);
            case "unopened": // FOLDER RECIPE: what one gets whose engine cannot open a network
                return Unopened(words[1], words[2]);
            case "evaluate": // ONNX CLASSES HEIGHT WIDTH CODELENGTH CODES OUT: float64 logits of views 0, 1, 2 ...
                return Evaluate(words);
            case "json": // FILE
                return Json(words[1]);
            case "fuzz": // KIND FILE SEED COUNT
                return Fuzz(words[1], File.ReadAllBytes(words[2]), Number(words[3]), Number(words[4]));
            case "time": // FOLDER RECIPE ANIMATIONS THREADS
                return Time(words[1], words[2], words[3], Number(words[4]));
            case "views": // FOLDER NETWORK CLASSES COUNT: milliseconds of one view
                return Views(words[1], words[2], Number(words[3]), Number(words[4]));
            default:
                throw new ArgumentException("no such command: " + words[0]);
        }
    }

    static int Number(string word)
    {
        return int.Parse(word, CultureInfo.InvariantCulture);
    }

    static Recipe ReadRecipe(string file)
    {
        return RecipeJson.Read(File.ReadAllBytes(file), Path.GetFileName(file));
    }

    static BundleFiles InMemory(string folder)
    {
        var files = new Dictionary<string, byte[]>();
        foreach (string path in Directory.GetFiles(folder))
            files.Add(Path.GetFileName(path), File.ReadAllBytes(path));
        return BundleFiles.FromBytes(files);
    }

    static string Draw(string folder, string recipe, string animations, string logits, string output)
    {
        string[] ids = animations == "*" ? null : animations.Split(',');
        Task<LocalCharacter> task = Generator(folder, logits).DrawAsync(ReadRecipe(recipe), ids);
        FrameQueue queue;
        while (frames.TryGetValue(folder + "|" + logits, out queue) && !task.IsCompleted)
        {
            queue.Pump(); // this is the main thread, and a turn of this loop is a frame
            Thread.Sleep(1);
        }
        LocalCharacter drawn = task.GetAwaiter().GetResult();
        Write(drawn, output);
        return "redrawn=" + drawn.Redrawn;
    }

    /// <param name="logits">"": the managed networks; a folder of recorded logits; the same with "frames:" before it, for
    /// networks of a main thread</param>
    static LocalGenerator Generator(string folder, string logits)
    {
        LocalGenerator generator;
        string key = folder + "|" + logits;
        if (generators.TryGetValue(key, out generator))
            return generator;
        Bundle bundle = Bundle.Open(BundleFiles.FromFolder(folder));
        Func<BundleNetwork, IViewNetwork> open = null;
        if (logits.StartsWith("frames:"))
        {
            string recorded = logits.Substring("frames:".Length);
            var queue = new FrameQueue(id => new FrameNetwork(Path.Combine(recorded, id + ".logits")));
            frames.Add(key, queue);
            open = queue.Of;
        }
        else if (logits.Length > 0)
        {
            open = network => new RecordedNetwork(Path.Combine(logits, network.Id + ".logits"));
        }
        generator = new LocalGenerator(bundle, open, new LocalOptions { Threads = 2 });
        generators.Add(key, generator);
        return generator;
    }

    /// <summary>The palette, then each frame: 4 numbers of 4 bytes (index, width, height, length of its name), name,
    /// pixels.</summary>
    static void Write(LocalCharacter drawn, string output)
    {
        using (var file = new BinaryWriter(File.Create(output)))
        {
            file.Write(drawn.Palette);
            foreach (Frame frame in drawn.Frames.Frames)
            {
                byte[] name = Encoding.UTF8.GetBytes(frame.Animation + "/" + frame.Direction);
                file.Write(frame.Index);
                file.Write(frame.Width);
                file.Write(frame.Height);
                file.Write(name.Length);
                file.Write(name);
                file.Write(frame.Slots);
            }
        }
    }

    static string DesignOf(string[] words)
    {
        LocalGenerator generator;
        if (!generators.TryGetValue(words[1], out generator))
            generators.Add(
                words[1], generator = new LocalGenerator(Bundle.Open(BundleFiles.FromFolder(words[1]), BundleCheck.Manifest)));
        var design = new Design
        {
            Seed = long.Parse(words[2], CultureInfo.InvariantCulture),
            Archetype = words[3],
            Body = words[4],
            Novelty = Number(words[5]),
        };
        foreach (string pair in words[6].Split(new[] { ',' }, StringSplitOptions.RemoveEmptyEntries))
            design.Items.Add(pair.Split('=')[0], pair.Split('=')[1].Length > 0 ? pair.Split('=')[1] : null);
        foreach (string pair in words[7].Split(new[] { ',' }, StringSplitOptions.RemoveEmptyEntries))
            design.Ramps.Add(pair.Split('=')[0], pair.Split('=')[1]);
        return Encoding.UTF8.GetString(RecipeJson.Write(LocalDesigner.Recipe(generator.Manifest, design)));
    }

    /// <summary>Two hundred villagers for two minutes: where they got, and what was ever wrong.</summary>
    static string Walk()
    {
        var directions = new HashSet<string>();
        double walked = 0, rested = 0, farthest = 0, fastest = 0;
        for (int i = 0; i < 200; i++)
        {
            var wander = new Wander(i, 30, 16);
            for (int frame = 0; frame < 120 * 30; frame++)
            {
                double x = wander.X, y = wander.Y;
                bool walking = wander.IsWalking;
                wander.Advance(1 / 30.0);
                double step = Math.Sqrt((wander.X - x) * (wander.X - x) + (wander.Y - y) * (wander.Y - y));
                fastest = Math.Max(fastest, step * 30);
                farthest = Math.Max(farthest, Math.Max(Math.Abs(wander.X) / 15, Math.Abs(wander.Y) / 8));
                walked += walking ? 1 : 0;
                rested += walking ? 0 : 1;
                if (step > 0)
                    directions.Add(wander.Direction);
            }
        }
        var said = new List<string>(directions);
        said.Sort();
        return string.Format(
            CultureInfo.InvariantCulture, "{0} walking={1:F2} farthest={2:F3} fastest={3:F3}", string.Join(",", said.ToArray()),
            walked / (walked + rested), farthest, fastest);
    }

    static string Install(string folder, string target, string layers)
    {
        Bundle bundle = Bundle.Open(BundleFiles.FromFolder(folder));
        IList<InstalledFile> files = BundleInstall.Plan(bundle, true, layers == "*" ? null : layers.Split(','));
        BundleInstall.Write(bundle, files, target);
        var said = new List<string>();
        foreach (InstalledFile file in files)
            said.Add(file.Path + "=" + file.Asset + "=" + file.Network);
        return string.Join(" ", said.ToArray());
    }

    static string Credits(string folder, string recipe)
    {
        Bundle bundle = Bundle.Open(BundleFiles.FromFolder(folder));
        IList<string> lines = recipe.Length > 0
            ? LocalCredits.Lines(bundle, ReadRecipe(recipe))
            : LocalCredits.Lines(bundle);
        return Convert.ToBase64String(Encoding.UTF8.GetBytes(string.Join("\n", new List<string>(lines).ToArray())));
    }

    static string Together(string folder, string recipe)
    {
        Bundle bundle = Bundle.Open(BundleFiles.FromFolder(folder));
        // A cache that holds next to nothing, so that views come and go while they are asked for.
        var options = new LocalOptions { Threads = 3, CacheBytes = 4000 };
        using (var generator = new LocalGenerator(bundle, null, options))
        {
            var tasks = new List<Task<LocalCharacter>>();
            for (int i = 0; i < 6; i++)
                tasks.Add(generator.DrawAsync(ReadRecipe(recipe)));
            Task.WaitAll(tasks.ToArray());
            LocalCharacter first = tasks[0].Result;
            foreach (Task<LocalCharacter> task in tasks)
                for (int i = 0; i < first.Frames.Frames.Count; i++)
                    if (Convert.ToBase64String(first.Frames.Frames[i].Slots) != Convert.ToBase64String(task.Result.Frames.Frames[i].Slots))
                        return "different";
            return generator.CachedBytes <= 4000 ? "same" : "too much is kept: " + generator.CachedBytes;
        }
    }

    static string Cancel(string folder, string recipe)
    {
        Bundle bundle = Bundle.Open(BundleFiles.FromFolder(folder));
        var gate = new GateNetwork();
        var generator = new LocalGenerator(
            bundle, network => gate.Of(network), new LocalOptions { Threads = 1, Batch = 2 });
        using (var cancel = new CancellationTokenSource())
        {
            Task<LocalCharacter> given = generator.DrawAsync(ReadRecipe(recipe), null, cancel.Token);
            gate.Entered.Wait();
            Task<LocalCharacter> wanted = generator.DrawAsync(ReadRecipe(recipe));
            cancel.Cancel();
            string first = Outcome(given);
            string second = Outcome(wanted); // it takes over what the first has left
            generator.Dispose();
            string third = Outcome(generator.DrawAsync(ReadRecipe(recipe)));
            return first + " " + second + " " + third + " disposed=" + gate.Disposed;
        }
    }

    static string Unopened(string folder, string recipe)
    {
        Bundle bundle = Bundle.Open(BundleFiles.FromFolder(folder));
        Func<BundleNetwork, IViewNetwork> open = network => { throw new VcgException("bundle", "no engine"); };
        using (var generator = new LocalGenerator(bundle, open))
        {
            string first = Outcome(generator.DrawAsync(ReadRecipe(recipe)));
            string second = Outcome(generator.DrawAsync(ReadRecipe(recipe)));
            return first.Split('\n')[0] + " / " + second.Split('\n')[0];
        }
    }

    static string Outcome(Task<LocalCharacter> task)
    {
        try
        {
            return task.Wait(30000) ? "drawn" : "never";
        }
        catch (AggregateException error)
        {
            return error.InnerException is OperationCanceledException ? "cancelled" : error.InnerException.ToString();
        }
    }

    static string Evaluate(string[] words)
    {
        var network = new BundleNetwork
        {
            Id = "n", File = words[1], Classes = Number(words[2]), Height = Number(words[3]), Width = Number(words[4]),
            CodeInput = "code", ViewInput = "view", Output = "logits",
        };
        int length = Number(words[5]);
        byte[] codes = File.ReadAllBytes(words[6]);
        OnnxProgram program;
        try
        {
            program = OnnxCompiler.Compile(File.ReadAllBytes(words[1]), network, length);
        }
        catch (OnnxException fault)
        {
            return "refused: " + fault.Message;
        }
        var space = new Workspace();
        int count = network.Classes * network.Height * network.Width;
        using (var file = new BinaryWriter(File.Create(words[7])))
        {
            var code = new float[length];
            for (int view = 0; (view + 1) * length * 4 <= codes.Length; view++)
            {
                Buffer.BlockCopy(codes, view * length * 4, code, 0, length * 4);
                double[] logits = program.Run(space, code, view);
                for (int i = 0; i < count; i++)
                    file.Write(logits[i]);
            }
        }
        return "evaluated";
    }

    static string Json(string file)
    {
        try
        {
            return Plain(JsonReader.Read(File.ReadAllBytes(file)));
        }
        catch (JsonException error)
        {
            return "refused: " + error.Message;
        }
    }

    /// <summary>A value so that Python can compare it: JSON again, numbers by their bits.</summary>
    static string Plain(JsonValue value)
    {
        switch (value.Kind)
        {
            case JsonKind.Null:
                return "null";
            case JsonKind.Bool:
                return value.Bool ? "true" : "false";
            case JsonKind.Integer:
                return value.Integer.ToString(CultureInfo.InvariantCulture);
            case JsonKind.Real:
                return "{\"real\":\"" + BitConverter.DoubleToInt64Bits(value.Real).ToString("x16") + "\"}";
            case JsonKind.Text:
                var text = new StringBuilder("\"");
                foreach (char character in value.Text)
                    text.Append("\\u").Append(((int)character).ToString("x4"));
                return text.Append('"').ToString();
            case JsonKind.List:
                return "[" + string.Join(",", value.List.ConvertAll(Plain).ToArray()) + "]";
            default:
                return "{" + string.Join(",", value.Table.Keys.ConvertAll(
                    x => Plain(JsonValue.Of(x)) + ":" + Plain(value.Table[x])).ToArray()) + "}";
        }
    }

    /// <summary>Damages a file in many ways: whatever is thrown must be one of our own errors. Says how many were
    /// refused.</summary>
    static string Fuzz(string kind, byte[] good, int seed, int count)
    {
        var random = new Random(seed);
        int refused = 0;
        long most = 0;
        for (int i = 0; i < count; i++)
        {
            byte[] bad = Damaged(good, random);
            var watch = Stopwatch.StartNew();
            try
            {
                if (kind == "json")
                    JsonReader.Read(bad);
                else if (kind == "manifest")
                    ManifestReader.Read(bad, "manifest.json");
                else if (kind == "recipe")
                    RecipeJson.Read(bad);
                else
                    RunOnnx(bad);
            }
            catch (JsonException)
            {
                refused++;
            }
            catch (VcgException)
            {
                refused++;
            }
            catch (OnnxException)
            {
                refused++;
            }
            most = Math.Max(most, watch.ElapsedMilliseconds);
        }
        return "refused=" + refused + " slowest_ms=" + most;
    }

    static void RunOnnx(byte[] file)
    {
        var network = new BundleNetwork
        {
            Classes = 5, Height = 12, Width = 16, CodeInput = "code", ViewInput = "view", Output = "logits",
        };
        OnnxCompiler.Compile(file, network, 8).Run(new Workspace(), new float[8], 1);
    }

    static byte[] Damaged(byte[] good, Random random)
    {
        var bad = new List<byte>(good);
        int times = random.Next(1, 4);
        for (int i = 0; i < times && bad.Count > 1; i++)
        {
            int at = random.Next(bad.Count);
            switch (random.Next(6))
            {
                case 0:
                    bad[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bad[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bad.RemoveRange(at, Math.Min(random.Next(1, 40), bad.Count - at));
                    break;
                case 3:
                    bad.InsertRange(at, bad.GetRange(at, Math.Min(random.Next(1, 40), bad.Count - at)));
                    break;
                case 4:
                    bad.RemoveRange(at, bad.Count - at);
                    break;
                default:
                    for (int j = at; j < Math.Min(bad.Count, at + 10); j++)
                        bad[j] = 0xFF; // a length that is far too long
                    break;
            }
        }
        return bad.ToArray();
    }

    static string Time(string folder, string recipes, string animations, int threads)
    {
        Bundle bundle = Bundle.Open(BundleFiles.FromFolder(folder));
        using (var generator = new LocalGenerator(bundle, null, new LocalOptions { Threads = threads }))
        {
            var times = new List<string>();
            foreach (string recipe in recipes.Split(','))
            {
                var watch = Stopwatch.StartNew();
                generator.DrawAsync(ReadRecipe(recipe), animations.Split(',')).Wait();
                times.Add(watch.ElapsedMilliseconds.ToString(CultureInfo.InvariantCulture));
            }
            return string.Join(",", times.ToArray());
        }
    }

    static string Views(string folder, string network, int classes, int count)
    {
        Bundle bundle = Bundle.Open(BundleFiles.FromFolder(folder), BundleCheck.Manifest);
        BundleNetwork found = Array.Find(bundle.Manifest.Networks, x => x.Id == network);
        var exact = new ExactNetwork(bundle, found);
        var room = new ExactNetwork.Room();
        var code = new float[bundle.Manifest.CodeLength];
        exact.Draw(room, code, 0, classes);
        var watch = Stopwatch.StartNew();
        for (int i = 0; i < count; i++)
            exact.Draw(room, code, i % found.Views, classes);
        return (watch.Elapsed.TotalMilliseconds / count).ToString("F3", CultureInfo.InvariantCulture);
    }
}

/// <summary>Logits that ONNX Runtime gave, by code and view. The file: classes x height x width, code length, count; for
/// each its view, code and logits.</summary>
sealed class RecordedNetwork : IViewNetwork
{
    readonly Dictionary<string, float[]> recorded = new Dictionary<string, float[]>();
    readonly int size;

    public RecordedNetwork(string file)
    {
        using (var reader = new BinaryReader(File.OpenRead(file)))
        {
            size = reader.ReadInt32();
            int length = reader.ReadInt32();
            int count = reader.ReadInt32();
            for (int i = 0; i < count; i++)
            {
                int view = reader.ReadInt32();
                string key = view + "|" + Convert.ToBase64String(reader.ReadBytes(length * 4));
                var logits = new float[size];
                Buffer.BlockCopy(reader.ReadBytes(size * 4), 0, logits, 0, size * 4);
                recorded[key] = logits;
            }
        }
    }

    public async Task<float[]> LogitsAsync(float[] codes, int[] views, CancellationToken cancel)
    {
        await Task.Delay(1); // as an engine would: later, on another thread
        return Logits(codes, views);
    }

    public float[] Logits(float[] codes, int[] views)
    {
        var logits = new float[size * views.Length];
        int length = codes.Length / views.Length;
        for (int i = 0; i < views.Length; i++)
        {
            var code = new byte[length * 4];
            Buffer.BlockCopy(codes, i * length * 4, code, 0, code.Length);
            recorded[views[i] + "|" + Convert.ToBase64String(code)].CopyTo(logits, i * size);
        }
        return logits;
    }

    public void Dispose()
    {
    }
}

/// <summary>The same as a network of a main thread: it answers two frames later, and minds who asks.</summary>
sealed class FrameNetwork : IFrameNetwork
{
    public static int Open;

    readonly int thread = Thread.CurrentThread.ManagedThreadId;
    readonly RecordedNetwork recorded;
    float[] codes;
    int[] views;
    int asked;

    public FrameNetwork(string file)
    {
        recorded = new RecordedNetwork(file);
        Open++;
    }

    void OnMainThread(bool busy)
    {
        if (Thread.CurrentThread.ManagedThreadId != thread)
            throw new InvalidOperationException("called from another thread");
        if (busy != (codes != null))
            throw new InvalidOperationException(busy ? "nothing is under way" : "something is under way");
    }

    public void Schedule(float[] newCodes, int[] newViews)
    {
        OnMainThread(false);
        codes = newCodes;
        views = newViews;
        asked = 0;
    }

    public bool IsDone
    {
        get
        {
            OnMainThread(true);
            return ++asked > 2;
        }
    }

    public float[] Take()
    {
        OnMainThread(true);
        float[] logits = recorded.Logits(codes, views);
        codes = null;
        return logits;
    }

    public void Dispose()
    {
        Open--;
    }
}

/// <summary>The first batch never comes; all others are zeros at once.</summary>
sealed class GateNetwork
{
    readonly object turn = new object();
    bool blocked;

    public readonly ManualResetEventSlim Entered = new ManualResetEventSlim();
    public int Disposed;

    public IViewNetwork Of(BundleNetwork network)
    {
        return new Network { Gate = this, Size = network.Classes * network.Height * network.Width };
    }

    sealed class Network : IViewNetwork
    {
        public GateNetwork Gate;
        public int Size;

        public async Task<float[]> LogitsAsync(float[] codes, int[] views, CancellationToken cancel)
        {
            bool first;
            lock (Gate.turn)
            {
                first = !Gate.blocked;
                Gate.blocked = true;
            }
            if (first)
            {
                Gate.Entered.Set();
                await Task.Delay(-1, cancel);
            }
            return new float[Size * views.Length];
        }

        public void Dispose()
        {
            Interlocked.Increment(ref Gate.Disposed);
        }
    }
}
