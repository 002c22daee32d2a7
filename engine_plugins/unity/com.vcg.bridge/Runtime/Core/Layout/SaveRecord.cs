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

        /// <summary>Reads the record that is a line of this text. Where there is none it is empty: then nothing was written
        /// by us.</summary>
        public static SaveRecord Parse(string text)
        {
            var record = new SaveRecord();
            var line = Lines(text).FirstOrDefault(IsRecord) ?? "";
            foreach (var word in line.Split(new[] { ' ' }, StringSplitOptions.RemoveEmptyEntries).Skip(1))
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

        /// <summary>The text with this record in it, instead of an older one; what others have written there stays.</summary>
        public string StoredIn(string text)
        {
            return string.Join("\n", Lines(text).Where(line => line.Length > 0 && !IsRecord(line)).Concat(new[] { ToString() }));
        }

        static string[] Lines(string text)
        {
            return (text ?? "").Split('\n');
        }

        static bool IsRecord(string line)
        {
            return line == Head || line.StartsWith(Head + " ", StringComparison.Ordinal);
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
