using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>Messages as frames and back. See docs/protocol.md.</summary>
    internal static class Messages
    {
        /// <summary>The one frame of a request. Its fields must have been checked.</summary>
        /// <exception cref="VcgException">"protocol": it is too large, or holds what cannot travel</exception>
        internal static byte[] Write(string type, IReadOnlyDictionary<string, object> fields)
        {
            var map = new Dictionary<string, object>(fields.Count + 1, StringComparer.Ordinal) { { "type", type } };
            foreach (KeyValuePair<string, object> field in fields)
                map.Add(field.Key, field.Value);
            byte[] frame = MsgpackWriter.WriteMap(map);
            if (frame.Length > Vocabulary.MaxRequestBytes)
                throw VcgException.Protocol(
                    "a message map of " + frame.Length + " bytes; at most " + Vocabulary.MaxRequestBytes + " are allowed");
            return frame;
        }

        /// <summary>Refuses what the server would refuse by form alone.</summary>
        /// <exception cref="VcgException">"protocol", "bad_request" or "recipe": the field and what is wrong</exception>
        internal static void CheckRequest(string type, IReadOnlyDictionary<string, object> fields)
        {
            Dictionary<string, object> read = Schema.Read(Vocabulary.Requests[type], fields, type);
            if (type == "generate")
                CheckGenerate(read);
        }

        private static void CheckGenerate(IReadOnlyDictionary<string, object> read)
        {
            bool recipe = read["recipe"] != null;
            var design = (IReadOnlyDictionary<string, object>)read["design"];
            if (recipe == (design != null))
                throw VcgException.BadRequest("generate: give either a recipe or a design");
            if (recipe && read.Long("count") != 1)
                throw VcgException.BadRequest("generate.count: " + read.Long("count") + " characters of one recipe", "use 1");
            if (design != null)
            {
                bool reroll = design.Texts("reroll").Count > 0, keep = design.Texts("keep").Count > 0;
                if (design["base"] == null && (reroll || keep))
                    throw VcgException.BadRequest("generate.design: reroll and keep need a base recipe");
                if (reroll && keep)
                    throw VcgException.BadRequest("generate.design: give either reroll or keep");
                if (design.Long("seed") > Vocabulary.MaxSeed - (read.Long("count") - 1))
                    throw VcgException.BadRequest(
                        "generate.design.seed: the last seed would be over " + Vocabulary.MaxSeed);
            }
            if (read.Map("output").Text("kind") == "preview" && !read.Flag("preview"))
                throw VcgException.BadRequest("generate.preview: false, but output.kind asks for nothing else");
        }

        /// <summary>What a client received.</summary>
        /// <exception cref="VcgException">"protocol": it is no reply of protocol 1</exception>
        internal static Reply Read(IReadOnlyList<byte[]> frames)
        {
            if (frames.Count == 0)
                throw VcgException.Protocol("a message without frames");
            if (frames.Count - 1 > Vocabulary.MaxReplyBlobs)
                throw VcgException.Protocol(
                    "a message with " + (frames.Count - 1) + " blobs; at most " + Vocabulary.MaxReplyBlobs + " are allowed");
            if (frames[0].Length > Vocabulary.MaxReplyBytes)
                throw VcgException.Protocol(
                    "a message map of " + frames[0].Length + " bytes; at most " + Vocabulary.MaxReplyBytes + " are allowed");
            Dictionary<string, object> map = MsgpackReader.ReadMap(frames[0]);
            object type;
            if (!map.TryGetValue("type", out type) || !(type is string))
                throw VcgException.Protocol("a message without a type");
            Dictionary<string, object> fields = ReadReply(map, (string)type);
            int wanted = (string)type == "chunk" ? 1 : 0;
            if (frames.Count - 1 != wanted)
                throw VcgException.Protocol(type + ": " + (frames.Count - 1) + " blobs; " + wanted + " are wanted");
            int size = 0;
            foreach (byte[] frame in frames)
                size += frame.Length;
            return new Reply((string)type, fields, wanted == 1 ? frames[1] : null, size);
        }

        /// <summary>The checked fields of a reply of that type.</summary>
        internal static Dictionary<string, object> ReadReply(IReadOnlyDictionary<string, object> map, string type)
        {
            Vocabulary.Record record;
            if (!Vocabulary.Replies.TryGetValue(type, out record))
                throw VcgException.Protocol(
                    "unknown message type '" + (type.Length > 40 ? type.Substring(0, 40) : type) + "'");
            try
            {
                return Schema.Read(record, map, type);
            }
            catch (VcgException error)
            {
                // What is not allowed in a reply is the server's fault, not the user's.
                throw VcgException.Protocol(error.Message, error.Hint);
            }
        }
    }

    /// <summary>A checked message of a server.</summary>
    internal sealed class Reply
    {
        internal Reply(string type, IReadOnlyDictionary<string, object> fields, byte[] blob, int size)
        {
            Type = type;
            Fields = fields;
            Blob = blob;
            Size = size;
            object id;
            Id = fields.TryGetValue("id", out id) ? (string)id : "";
        }

        internal string Type { get; }

        internal string Id { get; }

        internal IReadOnlyDictionary<string, object> Fields { get; }

        /// <summary>Of a chunk: as it was sent.</summary>
        internal byte[] Blob { get; }

        /// <summary>Bytes of all frames: what it takes of the credit.</summary>
        internal int Size { get; }

        /// <summary>Of a chunk, when it was decoded; else null.</summary>
        internal byte[] Data { get; set; }

        /// <summary>Of a chunk: why it could not be decoded; else null.</summary>
        internal VcgException Damage { get; set; }

        internal VcgException ToException()
        {
            return VcgException.FromWire(Fields.Text("code"), Fields.Text("message"), Fields.Text("hint"), Fields.Map("details"));
        }
    }
}
