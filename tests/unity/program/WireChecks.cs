using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Map = System.Collections.Generic.Dictionary<string, object>;

namespace Vcg.Bridge.Tests
{
    /// <summary>Bytes of messages, recipes, palettes and blobs, beside what Python makes of the same.</summary>
    internal static class WireChecks
    {
        /// <summary>golden FOLDER: every golden message reads, means what its .json says, and writes to the same bytes.</summary>
        [Check("golden")]
        private static string Golden(string[] arguments)
        {
            int messages = 0, requests = 0, decoded = 0;
            foreach (string path in Directory.GetFiles(arguments[0], "*.bin"))
            {
                string name = Path.GetFileNameWithoutExtension(path);
                Map json = Json.ReadFile(Path.ChangeExtension(path, ".json"));
                List<byte[]> frames = Frames.ReadGolden(path);
                Map map = MsgpackReader.ReadMap(frames[0]);
                CheckFailed.Unless(Frames.Same(MsgpackWriter.WriteMap(map), frames[0]), name + ": its bytes are not written again");
                messages++;
                if (name == "values")  // not a message, and mono reads -0.0 as 0.0 in JSON
                    continue;
                CheckFailed.Unless(
                    Frames.Same(MsgpackWriter.WriteMap((Map)json["map"]), frames[0]), name + ": the map of its .json is another");
                var type = (string)map["type"];
                if (Vocabulary.Replies.ContainsKey(type) && !(type == "bye" && name == "bye"))
                    decoded += Reply(name, frames, json);
                else
                {
                    requests++;
                    Request(name, type, map, frames[0]);
                }
            }
            return messages + " messages, " + requests + " requests, " + decoded + " blobs decoded";
        }

        private static int Reply(string name, List<byte[]> frames, Map json)
        {
            Reply reply = Messages.Read(frames);
            if (reply.Blob == null)
                return 0;
            string codec = reply.Fields.Text("codec");
            var wanted = Json.Bytes((string)((object[])json[json.ContainsKey("decoded") ? "decoded" : "blobs"])[0]);
            try
            {
                byte[] data = BlobDecoder.Decode(
                    codec, reply.Blob, reply.Fields.Int("raw_length"), reply.Fields.Bytes("sha256"));
                CheckFailed.Unless(Frames.Same(data, wanted), name + ": another picture");
                CheckFailed.Unless(codec != "zstd", "zstd was decoded");
                return 1;
            }
            catch (VcgException error)
            {
                CheckFailed.Unless(codec == "zstd" && error.Code == "integrity", name + ": " + error.Message);
                return 0;
            }
        }

        /// <summary>What a request says, said through the classes of the package, gives the same bytes.</summary>
        private static void Request(string name, string type, Map map, byte[] frame)
        {
            var fields = new Map(map);
            fields.Remove("type");
            Messages.CheckRequest(type, fields);
            CheckFailed.Unless(Frames.Same(Messages.Write(type, fields), frame), name + ": other bytes");
            if (type != "generate")
                return;
            Map written = GenerateFromMap(fields).ToMap();
            foreach (string delivery in new[] { "credit", "first_seq" })  // the client adds these
            {
                if (fields.ContainsKey(delivery))
                    written.Add(delivery, fields[delivery]);
            }
            CheckFailed.Unless(Frames.Same(Messages.Write(type, written), frame), name + ": other bytes from GenerateRequest");
        }

        private static GenerateRequest GenerateFromMap(Map map)
        {
            IReadOnlyDictionary<string, object> read = Schema.Read(Vocabulary.Requests["generate"], map, "generate");
            return new GenerateRequest
            {
                Id = read.Text("id"),
                Model = read.Text("model"),
                Recipe = (Recipe)read["recipe"],
                Design = read["design"] == null ? null : DesignFromMap(read.Map("design")),
                Count = read.Int("count"),
                Animations = read.Texts("animations"),
                Preview = read.Flag("preview"),
                Output = OutputFromMap(read.Map("output")),
                Batch = read.Text("priority") == "batch",
            };
        }

        private static Design DesignFromMap(IReadOnlyDictionary<string, object> read)
        {
            var design = new Design
            {
                Seed = read.Long("seed"),
                Archetype = read.Text("archetype"),
                Body = read.Text("body"),
                Base = (Recipe)read["base"],
                Reroll = read.Texts("reroll"),
                Keep = read.Texts("keep"),
            };
            if (read["novelty"] != null)
                design.Novelty = read.Int("novelty");
            foreach (KeyValuePair<string, object> entry in read.Map("items"))
                design.Items.Add(entry.Key, (string)entry.Value);
            foreach (KeyValuePair<string, object> entry in read.Map("ramps"))
                design.Ramps.Add(entry.Key, (string)entry.Value);
            foreach (KeyValuePair<string, object> entry in read.Map("controls"))
                design.Controls.Add(entry.Key, (int)(long)entry.Value);
            return design;
        }

        private static Output OutputFromMap(IReadOnlyDictionary<string, object> read)
        {
            Func<string, int[]> ints = name =>
                read[name] == null ? null : Array.ConvertAll((object[])read[name], x => (int)(long)x);
            Func<string, byte[]> colour = name => ints(name) == null ? null : Array.ConvertAll(ints(name), x => (byte)x);
            return new Output
            {
                Kind = read.Text("kind"), Format = read.Text("format"), Layout = read.Text("layout"), Scale = read.Int("scale"),
                Outline = colour("outline"), Shadow = colour("shadow"), ShadowOffset = ints("shadow_offset"),
                NormalMap = read.Flag("normal_map"), Padding = read.Int("padding"), Extrude = read.Int("extrude"),
                PowerOfTwo = read.Flag("power_of_two"), Trim = read.Text("trim"),
            };
        }

        /// <summary>maps FILE: of each byte string "no", or the sha256 of what it is written as again.</summary>
        [Check("maps")]
        private static string Maps(string[] arguments)
        {
            var lines = new List<string>();
            foreach (byte[] frame in Frames.ReadFile(arguments[0]))
            {
                string line = "no";
                try
                {
                    line = CertificatePin.Hex(Sha256.Hash(MsgpackWriter.WriteMap(MsgpackReader.ReadMap(frame))));
                }
                catch (VcgException error)
                {
                    CheckFailed.Unless(error.Code == "protocol", error.ToString());
                }
                lines.Add(line);
            }
            return string.Join("\n", lines.ToArray());
        }

        /// <summary>replies FILE: whether each byte string is frame 0 of a reply (of a chunk: with a blob).</summary>
        [Check("replies")]
        private static string Replies(string[] arguments)
        {
            var lines = new List<string>();
            foreach (byte[] frame in Frames.ReadFile(arguments[0]))
            {
                string line = "no";
                foreach (byte[] blob in new[] { null, new byte[0] })
                {
                    try
                    {
                        line = Messages.Read(blob == null ? new[] { frame } : new[] { frame, blob }).Type;
                    }
                    catch (VcgException error)
                    {
                        CheckFailed.Unless(error.Code == "protocol", error.ToString());
                    }
                }
                lines.Add(line);
            }
            return string.Join("\n", lines.ToArray());
        }

        /// <summary>requests FILE: of each map of a request "ok", or the error's code and message.</summary>
        [Check("requests")]
        private static string Requests(string[] arguments)
        {
            var lines = new List<string>();
            foreach (byte[] frame in Frames.ReadFile(arguments[0]))
            {
                string line = "ok";
                try
                {
                    Map map = MsgpackReader.ReadMap(frame);
                    Messages.CheckRequest((string)map["type"], map);
                }
                catch (VcgException error)
                {
                    line = error.Code + "\t" + error.Message;
                }
                lines.Add(line);
            }
            return string.Join("\n", lines.ToArray());
        }

        /// <summary>recipes FILE: of each msgpack recipe its canonical JSON, or the error's code.</summary>
        [Check("recipes")]
        private static string Recipes(string[] arguments)
        {
            var lines = new List<string>();
            foreach (byte[] frame in Frames.ReadFile(arguments[0]))
            {
                try
                {
                    Recipe recipe = RecipeMap.Read(MsgpackReader.ReadMap(frame));
                    byte[] json = RecipeJson.Write(recipe);
                    CheckFailed.Unless(
                        Frames.Same(MsgpackWriter.WriteMap(RecipeMap.Write(RecipeJson.Read(json))), frame), "it is another after JSON");
                    lines.Add(Encoding.UTF8.GetString(json));
                }
                catch (VcgException error)
                {
                    lines.Add(error.Code);
                }
            }
            return string.Join("\n", lines.ToArray());
        }

        /// <summary>recolour FILE: description, then palette, recipe, ramps for each case; the new palettes in hex.</summary>
        [Check("recolour")]
        private static string Recolour(string[] arguments)
        {
            List<byte[]> frames = Frames.ReadFile(arguments[0]);
            Description description = Description.FromMap(MsgpackReader.ReadMap(frames[0]));
            var lines = new List<string>();
            for (int i = 1; i < frames.Count; i += 3)
            {
                var ramps = new Dictionary<string, string>();
                foreach (KeyValuePair<string, object> ramp in MsgpackReader.ReadMap(frames[i + 2]))
                    ramps.Add(ramp.Key, (string)ramp.Value);
                Recipe recipe = RecipeMap.Read(MsgpackReader.ReadMap(frames[i + 1]));
                lines.Add(CertificatePin.Hex(Palette.Recoloured(frames[i], description, recipe, ramps)));
            }
            return string.Join("\n", lines.ToArray());
        }

        /// <summary>blobs FILE: codec, blob, length (text), sha256 for each case; of each "ok" or "no".</summary>
        [Check("blobs")]
        private static string Blobs(string[] arguments)
        {
            List<byte[]> frames = Frames.ReadFile(arguments[0]);
            var lines = new List<string>();
            for (int i = 0; i < frames.Count; i += 4)
            {
                string codec = Encoding.ASCII.GetString(frames[i]);
                int length = int.Parse(Encoding.ASCII.GetString(frames[i + 2]));
                string line = "ok";
                try
                {
                    byte[] data = BlobDecoder.Decode(codec, frames[i + 1], length, frames[i + 3]);
                    CheckFailed.Unless(data.Length == length, "another length");
                }
                catch (VcgException error)
                {
                    CheckFailed.Unless(error.Code == "integrity", error.ToString());
                    line = "no";
                }
                lines.Add(line);
            }
            return string.Join("\n", lines.ToArray());
        }

        /// <summary>hash FILE: of each byte string its sha256.</summary>
        [Check("hash")]
        private static string Hash(string[] arguments)
        {
            return string.Join(
                "\n", Frames.ReadFile(arguments[0]).ConvertAll(x => CertificatePin.Hex(Sha256.Hash(x))).ToArray());
        }
    }
}
