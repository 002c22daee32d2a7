using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

namespace Vcg.Bridge
{
    /// <summary>A drawn character, as a cache keeps it.</summary>
    public sealed class CachedCharacter
    {
        /// <summary>"VCGC" and the number of the format.</summary>
        static readonly byte[] Head = { 0x56, 0x43, 0x47, 0x43, 1 };

        const int HashBytes = 32;
        const int MaxBytes = 64 << 20;

        /// <summary>Its frames.</summary>
        public FrameSet Frames { get; }

        /// <summary>256 x RGBA.</summary>
        public byte[] Palette { get; }

        /// <summary>Lines of credits.</summary>
        public IReadOnlyList<string> Credits { get; }

        /// <summary>A character to keep.</summary>
        public CachedCharacter(FrameSet frames, byte[] palette, IReadOnlyList<string> credits)
        {
            Frames = frames;
            Palette = palette;
            Credits = credits;
        }

        /// <summary>The file: head, SHA-256 of what follows, and that in gzip.</summary>
        public byte[] ToFile()
        {
            byte[] body;
            using (var data = new MemoryStream())
            {
                using (var gzip = new GZipStream(data, CompressionLevel.Fastest, true))
                using (var writer = new BinaryWriter(gzip, Encoding.UTF8))
                    Write(writer);
                body = data.ToArray();
            }
            byte[] hash;
            using (var sha = SHA256.Create())
                hash = sha.ComputeHash(body);
            return Head.Concat(hash).Concat(body).ToArray();
        }

        /// <summary>Reads a file. Null for one that is damaged, of another format, or no such file at all.</summary>
        public static CachedCharacter FromFile(byte[] file)
        {
            var start = Head.Length + HashBytes;
            if (file.Length <= start || !file.Take(Head.Length).SequenceEqual(Head))
                return null;
            using (var sha = SHA256.Create())
                if (!sha.ComputeHash(file, start, file.Length - start).SequenceEqual(file.Skip(Head.Length).Take(HashBytes)))
                    return null;
            using (var gzip = new GZipStream(new MemoryStream(file, start, file.Length - start), CompressionMode.Decompress))
            using (var reader = new BinaryReader(gzip, Encoding.UTF8))
                return Read(reader);
        }

        void Write(BinaryWriter writer)
        {
            writer.Write(Palette);
            writer.Write(Credits.Count);
            foreach (var line in Credits)
                writer.Write(line);
            writer.Write(Frames.Animations.Count);
            foreach (var timing in Frames.Animations)
            {
                var frames = Frames.Of(timing.Id);
                writer.Write(timing.Id);
                writer.Write(timing.Fps);
                writer.Write(timing.Loop);
                writer.Write(frames.Count);
                foreach (var frame in frames)
                {
                    writer.Write(frame.Direction);
                    writer.Write(frame.Index);
                    writer.Write(frame.Width);
                    writer.Write(frame.Height);
                    writer.Write(frame.Slots);
                }
            }
        }

        /// <summary>The hash has vouched for all lengths: what wrote the file was Write above.</summary>
        static CachedCharacter Read(BinaryReader reader)
        {
            var palette = reader.ReadBytes(Pixels.PaletteBytes);
            var credits = new string[reader.ReadInt32()];
            for (var i = 0; i < credits.Length; i++)
                credits[i] = reader.ReadString();
            var set = new FrameSet();
            var total = 0;
            for (var left = reader.ReadInt32(); left > 0; left--)
            {
                var timing = new AnimationTiming(reader.ReadString(), reader.ReadSingle(), reader.ReadBoolean());
                var frames = new List<Frame>();
                for (var more = reader.ReadInt32(); more > 0; more--)
                {
                    var direction = reader.ReadString();
                    int index = reader.ReadInt32(), width = reader.ReadInt32(), height = reader.ReadInt32();
                    total += width * height;
                    if (total > MaxBytes)
                        throw new InvalidDataException("a cached character has more than " + MaxBytes + " pixels");
                    frames.Add(new Frame(timing.Id, direction, index, width, height, reader.ReadBytes(width * height)));
                }
                set.Add(timing, frames);
            }
            return new CachedCharacter(set, palette, credits);
        }
    }
}
