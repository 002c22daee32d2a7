using System;
using System.Collections.Generic;
using System.IO;

namespace Vcg.Bridge.Tests
{
    /// <summary>Files of byte strings: for each its length (unsigned 32 bit little-endian) and its bytes.</summary>
    internal static class Frames
    {
        public static List<byte[]> ReadFile(string path)
        {
            var found = new List<byte[]>();
            using (var reader = new BinaryReader(File.OpenRead(path)))
            {
                while (reader.BaseStream.Position < reader.BaseStream.Length)
                    found.Add(reader.ReadBytes((int)reader.ReadUInt32()));
            }
            return found;
        }

        /// <summary>A golden message: the same, with the number of frames in front.</summary>
        public static List<byte[]> ReadGolden(string path)
        {
            byte[] data = File.ReadAllBytes(path);
            var frames = new List<byte[]>();
            int at = 4;
            for (uint left = BitConverter.ToUInt32(data, 0); left > 0; left--)
            {
                var frame = new byte[(int)BitConverter.ToUInt32(data, at)];
                Buffer.BlockCopy(data, at + 4, frame, 0, frame.Length);
                at += 4 + frame.Length;
                frames.Add(frame);
            }
            CheckFailed.Unless(at == data.Length, path + " is no golden file");
            return frames;
        }

        public static bool Same(byte[] left, byte[] right)
        {
            if (left.Length != right.Length)
                return false;
            for (int i = 0; i < left.Length; i++)
            {
                if (left[i] != right[i])
                    return false;
            }
            return true;
        }
    }
}
