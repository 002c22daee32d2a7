using System;
using System.Collections.Generic;

namespace Vcg.Bridge
{
    /// <summary>One job as the client sees it: what came, what was taken, what is owed to the server in credit.</summary>
    internal sealed class JobState
    {
        private readonly Dictionary<string, object> request;
        private readonly int window;
        private readonly Queue<KeyValuePair<Picture, int>> waiting = new Queue<KeyValuePair<Picture, int>>();
        private long waitingBytes;  // came, not taken
        private long owedBytes;     // taken, not granted again
        private Recipe recipe;
        private byte[] palette;
        private long character = -1;

        internal JobState(string id, Dictionary<string, object> request, int window)
        {
            Id = id;
            this.request = request;
            this.window = window;
        }

        internal string Id { get; }

        internal Accepted Accepted { get; set; }

        internal Done Done { get; private set; }

        internal VcgException Error { get; set; }

        internal long NextSeq { get; private set; }

        /// <summary>When to send the request again, after "busy"; null: not at all.</summary>
        internal double? RetryAt { get; set; }

        /// <summary>First refusal since it last got on.</summary>
        internal double? BusySince { get; set; }

        internal bool Cancelling { get; set; }

        /// <summary>Nothing more will come. Pictures that were not taken may still be there.</summary>
        internal bool Finished
        {
            get { return Done != null || Error != null; }
        }

        /// <summary>There is a picture to take, or an end to tell of.</summary>
        internal bool IsReady
        {
            get { return waiting.Count > 0 || Finished; }
        }

        /// <summary>The request, for the first time or again: only what has not come, no more than there is room for.</summary>
        internal Dictionary<string, object> RequestNow()
        {
            RetryAt = null;
            owedBytes = 0;
            var now = new Dictionary<string, object>(request, StringComparer.Ordinal);
            WireMap.Put(now, "credit", Math.Max(window - waitingBytes, 0), 0);
            WireMap.Put(now, "first_seq", NextSeq, 0);
            return now;
        }

        /// <summary>A chunk came. Ignores what came before.</summary>
        /// <exception cref="VcgException">"protocol" or "integrity"</exception>
        internal void Add(Reply chunk)
        {
            IReadOnlyDictionary<string, object> fields = chunk.Fields;
            long seq = fields.Long("seq");
            if (seq < NextSeq)
                return;
            if (Accepted == null || seq >= Accepted.Chunks)
                throw VcgException.Protocol(
                    "chunk " + seq + " came, but " + (Accepted == null ? 0 : Accepted.Chunks) + " were announced");
            if (seq != NextSeq)
                throw VcgException.Protocol("chunk " + seq + " came where chunk " + NextSeq + " was due");
            if (fields.Long("character") != character)
            {
                if (fields["recipe"] == null || fields.Bytes("palette").Length == 0)
                    throw VcgException.Protocol(
                        "the first chunk of character " + fields.Long("character") + " lacks its recipe or palette");
                recipe = (Recipe)fields["recipe"];
                palette = fields.Bytes("palette");
                character = fields.Long("character");
            }
            long pixel = fields.Text("format") == "r8" ? 1 : fields.Text("format") == "rgba8" ? 4 : 0;
            if (pixel > 0 && fields.Long("raw_length") != pixel * fields.Long("width") * fields.Long("height"))
                throw VcgException.Protocol(
                    "chunk " + seq + ": " + fields.Long("raw_length") + " bytes for " + fields.Long("width") + " x "
                    + fields.Long("height") + " pixels");
            if (chunk.Damage != null)
                throw chunk.Damage;
            var picture = new Picture(fields, chunk.Data, recipe, palette);
            waiting.Enqueue(new KeyValuePair<Picture, int>(picture, chunk.Size));
            waitingBytes += chunk.Size;
            NextSeq++;
            BusySince = null;
        }

        /// <summary>"done" came.</summary>
        /// <exception cref="VcgException">"protocol": chunks are missing</exception>
        internal void Finish(Done done)
        {
            if (Accepted == null || NextSeq != Accepted.Chunks)
                throw VcgException.Protocol("the job ended after " + NextSeq + " chunks");
            Done = done;
        }

        /// <summary>The next picture, null where none has come yet.</summary>
        internal Picture Take()
        {
            if (waiting.Count == 0)
                return null;
            KeyValuePair<Picture, int> next = waiting.Dequeue();
            waitingBytes -= next.Value;
            owedBytes += next.Value;
            return next.Key;
        }

        /// <summary>Bytes to grant now: a quarter of the window at a time, so that small chunks need no message each.</summary>
        internal long Grant()
        {
            if (Finished || owedBytes < window / 4)
                return 0;
            long granted = owedBytes;
            owedBytes = 0;
            return granted;
        }

        /// <summary>Forgets what came and was not taken.</summary>
        internal void Drop()
        {
            waiting.Clear();
            waitingBytes = 0;
        }
    }
}
