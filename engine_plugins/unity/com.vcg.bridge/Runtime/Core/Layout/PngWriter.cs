using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Text;

namespace Vcg.Bridge
{
    /// <summary>PNG files of 8-bit RGBA.</summary>
    /// <remarks>Not indexed ones: Unity makes the same texture of both, but whether it reads the transparency of an indexed
    /// file could not be tried where this was written, and RGBA leaves nothing to be tried. The slots are not lost: the
    /// recipe draws them again. Files are the same byte for byte where the runtime's zlib is; the pixels always are.</remarks>
    public static class PngWriter
    {
        static readonly byte[] Signature = { 0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A };
        static readonly uint[] Crc = CrcTable();

        /// <summary>A file.</summary>
        /// <param name="rgba">Rows from the top; R, G, B, A for each pixel.</param>
        /// <param name="width">Pixels.</param>
        /// <param name="height">Pixels.</param>
        /// <param name="text">Keyword (Latin-1, 1 to 79 characters) to text, kept in the file; may be null.</param>
        public static byte[] Rgba(byte[] rgba, int width, int height, IDictionary<string, string> text = null)
        {
            if (width <= 0 || height <= 0 || rgba.Length != width * height * 4)
                throw new ArgumentException(rgba.Length + " bytes for " + width + " x " + height + " pixels", "rgba");
            using (var file = new MemoryStream())
            {
                file.Write(Signature, 0, Signature.Length);
                var header = new byte[13];
                BigEndian(header, 0, (uint)width);
                BigEndian(header, 4, (uint)height);
                header[8] = 8; // bits
                header[9] = 6; // RGBA
                Chunk(file, "IHDR", header);
                if (text != null)
                    foreach (var pair in text)
                        Chunk(file, "iTXt", International(pair.Key, pair.Value));
                Chunk(file, "IDAT", Compressed(rgba, width * 4));
                Chunk(file, "IEND", new byte[0]);
                return file.ToArray();
            }
        }

        /// <summary>A zlib stream of the rows, none of them filtered: flat colours compress best so.</summary>
        static byte[] Compressed(byte[] rgba, int rowBytes)
        {
            uint a = 1, b = 0; // Adler-32
            using (var data = new MemoryStream())
            {
                data.WriteByte(0x78);
                data.WriteByte(0x9C);
                using (var deflate = new DeflateStream(data, CompressionLevel.Optimal, true))
                {
                    var row = new byte[rowBytes + 1];
                    for (var start = 0; start < rgba.Length; start += rowBytes)
                    {
                        Buffer.BlockCopy(rgba, start, row, 1, rowBytes);
                        deflate.Write(row, 0, row.Length);
                        foreach (var value in row)
                        {
                            a += value;
                            if (a >= 65521)
                                a -= 65521;
                            b += a;
                            if (b >= 65521)
                                b -= 65521;
                        }
                    }
                }
                var check = new byte[4];
                BigEndian(check, 0, (b << 16) | a);
                data.Write(check, 0, 4);
                return data.ToArray();
            }
        }

        static byte[] International(string keyword, string text)
        {
            var name = Encoding.GetEncoding("iso-8859-1").GetBytes(keyword);
            if (name.Length == 0 || name.Length > 79)
                throw new ArgumentException("a keyword has 1 to 79 characters, not '" + keyword + "'", "keyword");
            var value = Encoding.UTF8.GetBytes(text);
            var chunk = new byte[name.Length + 5 + value.Length]; // end of name; not compressed, method 0; no language, no translation
            Buffer.BlockCopy(name, 0, chunk, 0, name.Length);
            Buffer.BlockCopy(value, 0, chunk, name.Length + 5, value.Length);
            return chunk;
        }

        static void Chunk(Stream file, string kind, byte[] data)
        {
            var number = new byte[4];
            BigEndian(number, 0, (uint)data.Length);
            file.Write(number, 0, 4);
            var type = Encoding.ASCII.GetBytes(kind);
            file.Write(type, 0, 4);
            file.Write(data, 0, data.Length);
            var crc = 0xFFFFFFFF;
            foreach (var value in type)
                crc = Crc[(crc ^ value) & 0xFF] ^ (crc >> 8);
            foreach (var value in data)
                crc = Crc[(crc ^ value) & 0xFF] ^ (crc >> 8);
            BigEndian(number, 0, crc ^ 0xFFFFFFFF);
            file.Write(number, 0, 4);
        }

        static void BigEndian(byte[] bytes, int at, uint value)
        {
            bytes[at] = (byte)(value >> 24);
            bytes[at + 1] = (byte)(value >> 16);
            bytes[at + 2] = (byte)(value >> 8);
            bytes[at + 3] = (byte)value;
        }

        static uint[] CrcTable()
        {
            var table = new uint[256];
            for (uint n = 0; n < 256; n++)
            {
                var value = n;
                for (var bit = 0; bit < 8; bit++)
                    value = (value & 1) != 0 ? 0xEDB88320 ^ (value >> 1) : value >> 1;
                table[n] = value;
            }
            return table;
        }
    }
}
