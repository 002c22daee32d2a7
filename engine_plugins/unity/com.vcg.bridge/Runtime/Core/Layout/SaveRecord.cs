using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;

namespace Vcg.Bridge
{
    /// <summary>What a save wrote, so that the next one can tell whether somebody has worked on it since.</summary>
    /// <remarks>One line of text, "vcg1 NAME=FINGERPRINT ...": small enough for an asset's .meta, which goes into version
    /// control with it.</remarks>
    public sealed class SaveRecord
    {
        const string Head = "vcg1";
        readonly SortedDictionary<string, string> entries = new SortedDictionary<string, string>(StringComparer.Ordinal);

        /// <summary>Number of things written.</summary>
        public int Count
        {
            get { return entries.Count; }
        }

        /// <summary>Reads a record. Anything else than one gives an empty one: then nothing was written by us.</summary>
        public static SaveRecord Parse(string text)
        {
            var record = new SaveRecord();
            var words = (text ?? "").Split(new[] { ' ' }, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0 || words[0] != Head)
                return record;
            foreach (var word in words.Skip(1))
            {
                var equals = word.LastIndexOf('=');
                if (equals > 0)
                    record.entries[Uri.UnescapeDataString(word.Substring(0, equals))] = word.Substring(equals + 1);
            }
            return record;
        }

        /// <summary>The record as a line of text.</summary>
        public override string ToString()
        {
            return entries.Aggregate(Head, (text, entry) => text + " " + Uri.EscapeDataString(entry.Key) + "=" + entry.Value);
        }

        /// <summary>Note that this was written.</summary>
        public void Set(string name, string fingerprint)
        {
            entries[name] = fingerprint;
        }

        /// <summary>Whether somebody has changed this since it was written, or it is not ours at all.</summary>
        public bool IsEdited(string name, string fingerprintNow)
        {
            string written;
            return !entries.TryGetValue(name, out written) || written != fingerprintNow;
        }

        /// <summary>Names a file's bytes: 16 hex digits.</summary>
        public static string Fingerprint(byte[] data)
        {
            using (var sha = SHA256.Create())
                return Hex.Of(sha.ComputeHash(data), 8);
        }
    }
}
