using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Map = System.Collections.Generic.Dictionary<string, object>;

namespace Vcg.Bridge.Tests
{
    /// <summary>The runner of tests/conformance: what it does is in the README there.</summary>
    internal sealed class Conformance
    {
        private readonly Map scenario;
        private readonly Map settings;
        private readonly string signals;
        private readonly TimeSpan step;
        private readonly Dictionary<string, VcgJob> jobs = new Dictionary<string, VcgJob>();
        private readonly Map found = new Map();
        private VcgClient client;
        private TimeSpan? openTimeout;

        private Conformance(Map job, Map scenario)
        {
            this.scenario = scenario;
            settings = (Map)scenario["client"];
            signals = (string)job["signals"];
            step = TimeSpan.FromSeconds(Number(job["step_s"]));
        }

        [Check("conformance")]
        public static string Play(string[] arguments)
        {
            Map job = Json.ReadFile(arguments[0]);
            var scenarios = new Map();
            foreach (object row in (object[])job["scenarios"])
            {
                Stopwatch watch = Stopwatch.StartNew();
                var run = new Conformance(job, (Map)row);
                var steps = new List<object>();
                foreach (object step in (object[])((Map)row)["steps"])
                    steps.Add(run.Step((Map)step));
                run.Close();
                Console.WriteLine(((Map)row)["name"] + " " + watch.ElapsedMilliseconds + " ms");
                scenarios.Add((string)((Map)row)["name"], new Map { { "steps", steps }, { "jobs", run.found } });
            }
            var results = (string)job["results"];
            var written = new Map { { "runner", new VcgClientOptions().Name }, { "scenarios", scenarios } };
            File.WriteAllText(results + ".tmp", Json.Write(written), new UTF8Encoding(false));
            File.Move(results + ".tmp", results);
            return scenarios.Count + " scenarios";
        }

        private Map Step(Map asked)
        {
            var given = new Map { { "do", asked["do"] } };
            try
            {
                switch ((string)asked["do"])
                {
                    case "open":
                        given.Add("welcome", Open().Fields);
                        break;
                    case "describe":
                        object model;
                        asked.TryGetValue("model", out model);
                        given.Add("description", Wait(client.DescribeAsync((string)model ?? "")).Fields);
                        break;
                    case "ping":
                        Wait(client.PingAsync());
                        given.Add("pong", true);
                        break;
                    case "generate":
                        Generate((string)asked["job"], (Map)Resolved(asked["request"]));
                        break;
                    case "take":
                        Take((string)asked["job"], (long)asked["count"]);
                        break;
                    case "wait":
                        given.Add("end", Take((string)asked["job"], long.MaxValue));
                        break;
                    case "cancel":
                        if (Found(asked["job"])["end"] == null)
                            Wait(jobs[(string)asked["job"]].CancelAsync());
                        given.Add("end", Take((string)asked["job"], long.MaxValue));
                        break;
                    case "signal":
                        Signal((string)asked["name"]);
                        break;
                    case "close":
                        Close();
                        break;
                    default:
                        throw new CheckFailed("this runner does not know the step " + asked["do"]);
                }
            }
            catch (VcgException error)
            {
                given.Add("error", Plain(error));
            }
            return given;
        }

        private Welcome Open()
        {
            Close();
            client = new VcgClient(Options());
            return Wait(client.ConnectAsync(openTimeout));
        }

        private VcgClientOptions Options()
        {
            var options = new VcgClientOptions();
            foreach (KeyValuePair<string, object> setting in settings)
            {
                switch (setting.Key)
                {
                    case "address":
                        options.Address = (string)setting.Value;
                        break;
                    case "token":
                        options.Token = (string)setting.Value;
                        break;
                    case "tls_certificate":
                        options.CertificatePin = CertificatePin.OfFile((string)setting.Value);
                        break;
                    case "codecs":
                        options.Codecs = WireFields.Texts(setting.Value);
                        break;
                    case "window_bytes":
                        options.WindowBytes = (int)(long)setting.Value;
                        break;
                    case "retry_s":
                        options.Retry = TimeSpan.FromSeconds(Number(setting.Value));
                        break;
                    case "timeout_s":
                        options.Timeout = TimeSpan.FromSeconds(Number(setting.Value));
                        openTimeout = options.Timeout;
                        break;
                    case "ping_ms":
                        options.Ping = TimeSpan.FromMilliseconds(Number(setting.Value));
                        break;
                    case "dead_ms":
                        options.Dead = TimeSpan.FromMilliseconds(Number(setting.Value));
                        break;
                    default:
                        throw new CheckFailed("this runner does not know the setting " + setting.Key);
                }
            }
            return options;
        }

        private void Generate(string name, Map request)
        {
            var entry = new Map
            {
                { "accepted", null }, { "end", null }, { "done", null }, { "error", null },
                { "pictures", new List<object>() }, { "characters", new List<object>() },
            };
            found.Add(name, entry);
            if (!request.ContainsKey("id"))
                request.Add("id", Guid.NewGuid().ToString("N"));
            try
            {
                jobs.Add(name, client.Generate(null, request));
            }
            catch (VcgException error)
            {
                entry["end"] = "error";
                entry["error"] = Plain(error);
            }
        }

        private Map Found(object job)
        {
            return (Map)found[(string)job];
        }

        /// <summary>Pictures of a job until there are so many, or its end.</summary>
        private object Take(string name, long count)
        {
            Map entry = Found(name);
            var pictures = (List<object>)entry["pictures"];
            Stopwatch watch = Stopwatch.StartNew();
            while (entry["end"] == null && pictures.Count < count)
            {
                VcgJob job = jobs[name];
                try
                {
                    Picture picture = Wait(job.NextAsync(), step - watch.Elapsed);
                    if (picture == null)
                    {
                        entry["end"] = "done";
                        entry["done"] = job.Done.Fields;
                    }
                    else
                        Note(entry, picture);
                }
                catch (VcgException error)
                {
                    bool cancelled = error.Code == Vocabulary.ErrorCode.Cancelled;
                    entry["end"] = cancelled ? "cancelled" : "error";
                    entry["error"] = cancelled ? null : Plain(error);
                }
                Accepted accepted = job.Accepted;
                entry["accepted"] = accepted == null
                    ? null : new Map { { "count", (long)accepted.Count }, { "chunks", accepted.Chunks } };
            }
            return entry["end"];
        }

        private static void Note(Map entry, Picture picture)
        {
            var strips = new List<object>();
            foreach (Strip strip in picture.Strips)
                strips.Add(strip.Fields);
            byte[] hash = System.Security.Cryptography.SHA256.Create().ComputeHash(picture.Data);
            ((List<object>)entry["pictures"]).Add(new Map
            {
                { "seq", picture.Seq }, { "character", picture.Character }, { "kind", picture.Kind }, { "name", picture.Name },
                { "format", picture.Format }, { "width", picture.Width }, { "height", picture.Height },
                { "length", picture.Data.Length }, { "sha256", CertificatePin.Hex(hash) }, { "strips", strips },
            });
            var characters = (List<object>)entry["characters"];
            if (characters.Count == picture.Character)
                characters.Add(new Map
                {
                    { "recipe", RecipeMap.Write(picture.Recipe) }, { "palette", CertificatePin.Hex(picture.Palette) },
                });
            if (picture.IsLast)
                ((Map)characters[picture.Character]).Add("credits", picture.Credits);
        }

        private void Signal(string name)
        {
            Console.WriteLine("SIGNAL " + scenario["name"] + "/" + name);
            Console.Out.Flush();
            string answer = Path.Combine(signals, scenario["name"] + "." + name);
            Stopwatch watch = Stopwatch.StartNew();
            while (!File.Exists(answer))
            {
                if (watch.Elapsed > step)
                    throw new VcgException(Vocabulary.ErrorCode.Timeout, "the harness does not answer");
                Thread.Sleep(10);
            }
        }

        private void Close()
        {
            if (client == null)
                return;
            client.Dispose();
            foreach (string name in jobs.Keys)
                Take(name, long.MaxValue);
        }

        private object Resolved(object value)
        {
            var list = value as object[];
            if (list != null)
                return Array.ConvertAll(list, Resolved);
            var map = value as Map;
            if (map == null)
                return value;
            object special;
            if (map.TryGetValue("$int", out special))
                return long.Parse((string)special, System.Globalization.CultureInfo.InvariantCulture);
            var resolved = new Map();
            if (!map.TryGetValue("$recipe", out special))
            {
                foreach (KeyValuePair<string, object> entry in map)
                    resolved.Add(entry.Key, Resolved(entry.Value));
                return resolved;
            }
            string[] parts = ((string)special).Split('/');
            var character = (Map)((List<object>)Found(parts[0])["characters"])[int.Parse(parts[1])];
            foreach (KeyValuePair<string, object> entry in (Map)character["recipe"])
                resolved.Add(entry.Key, entry.Value);
            if (map.ContainsKey("set"))
            {
                foreach (KeyValuePair<string, object> entry in (Map)map["set"])
                    resolved[entry.Key] = Resolved(entry.Value);
            }
            if (map.ContainsKey("unset"))
            {
                foreach (object name in (object[])map["unset"])
                    resolved.Remove((string)name);
            }
            return resolved;
        }

        private T Wait<T>(Task<T> task, TimeSpan? limit = null)
        {
            Wait((Task)task, limit);
            return task.Result;
        }

        private void Wait(Task task, TimeSpan? limit = null)
        {
            try
            {
                TimeSpan most = limit ?? step;
                if (!task.Wait(most > TimeSpan.Zero ? most : TimeSpan.Zero))
                    throw new VcgException(Vocabulary.ErrorCode.Timeout, "the step took too long");
            }
            catch (AggregateException error)
            {
                if (error.InnerException is VcgException)
                    throw ((VcgException)error.InnerException).Again();
                throw;
            }
        }

        private static Map Plain(VcgException error)
        {
            return new Map
            {
                { "code", error.Code }, { "message", error.Message }, { "hint", error.Hint }, { "details", error.Details },
            };
        }

        private static double Number(object value)
        {
            return value is long ? (double)(long)value : (double)value;
        }
    }
}
