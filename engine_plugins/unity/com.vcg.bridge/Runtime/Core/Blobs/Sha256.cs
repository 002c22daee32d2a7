using System;

namespace Vcg.Bridge
{
    /// <summary>
    /// SHA-256 (FIPS 180-4). Here because Mono's own takes twice as long, and the hash of a sheet is most of the work of
    /// decoding it.
    /// </summary>
    internal static class Sha256
    {
        private const int BlockBytes = 64;

        private static readonly uint[] Constants =
        {
            0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
            0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
            0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
            0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
            0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
            0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
            0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
            0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
        };

        /// <summary>The hash, 32 bytes.</summary>
        internal static byte[] Hash(byte[] data)
        {
            uint[] state =
            {
                0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
            };
            var words = new uint[BlockBytes];
            int whole = data.Length / BlockBytes * BlockBytes;
            for (int at = 0; at < whole; at += BlockBytes)
                Block(data, at, state, words);
            int rest = data.Length - whole;
            var end = new byte[rest < BlockBytes - 8 ? BlockBytes : 2 * BlockBytes];
            Buffer.BlockCopy(data, whole, end, 0, rest);
            end[rest] = 0x80;
            ulong bits = (ulong)data.Length * 8;
            for (int i = 1; i <= 8; i++, bits >>= 8)
                end[end.Length - i] = (byte)bits;
            for (int at = 0; at < end.Length; at += BlockBytes)
                Block(end, at, state, words);
            var hash = new byte[32];
            for (int i = 0; i < hash.Length; i++)
                hash[i] = (byte)(state[i / 4] >> 24 - 8 * (i % 4));
            return hash;
        }

        private static void Block(byte[] data, int at, uint[] state, uint[] w)
        {
            uint[] k = Constants;
            for (int i = 0; i < 16; i++, at += 4)
                w[i] = (uint)data[at] << 24 | (uint)data[at + 1] << 16 | (uint)data[at + 2] << 8 | data[at + 3];
            ulong x, y;  // a word twice: then to rotate it is to shift it
            for (int i = 16; i < w.Length; i++)
            {
                x = w[i - 15] | (ulong)w[i - 15] << 32;
                y = w[i - 2] | (ulong)w[i - 2] << 32;
                w[i] = w[i - 16] + w[i - 7] + ((uint)(x >> 7 ^ x >> 18) ^ w[i - 15] >> 3)
                    + ((uint)(y >> 17 ^ y >> 19) ^ w[i - 2] >> 10);
            }
            uint a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7], t;
            for (int i = 0; i < w.Length; i += 8)  // eight rounds: then the names of the words are where they began
            {
                x = e | (ulong)e << 32;
                t = h + (uint)(x >> 6 ^ x >> 11 ^ x >> 25) + (g ^ (e & (f ^ g))) + k[i] + w[i];
                d += t;
                x = a | (ulong)a << 32;
                h = t + (uint)(x >> 2 ^ x >> 13 ^ x >> 22) + ((a & b) | (c & (a | b)));
                x = d | (ulong)d << 32;
                t = g + (uint)(x >> 6 ^ x >> 11 ^ x >> 25) + (f ^ (d & (e ^ f))) + k[i + 1] + w[i + 1];
                c += t;
                x = h | (ulong)h << 32;
                g = t + (uint)(x >> 2 ^ x >> 13 ^ x >> 22) + ((h & a) | (b & (h | a)));
                x = c | (ulong)c << 32;
                t = f + (uint)(x >> 6 ^ x >> 11 ^ x >> 25) + (e ^ (c & (d ^ e))) + k[i + 2] + w[i + 2];
                b += t;
                x = g | (ulong)g << 32;
                f = t + (uint)(x >> 2 ^ x >> 13 ^ x >> 22) + ((g & h) | (a & (g | h)));
                x = b | (ulong)b << 32;
                t = e + (uint)(x >> 6 ^ x >> 11 ^ x >> 25) + (d ^ (b & (c ^ d))) + k[i + 3] + w[i + 3];
                a += t;
                x = f | (ulong)f << 32;
                e = t + (uint)(x >> 2 ^ x >> 13 ^ x >> 22) + ((f & g) | (h & (f | g)));
                x = a | (ulong)a << 32;
                t = d + (uint)(x >> 6 ^ x >> 11 ^ x >> 25) + (c ^ (a & (b ^ c))) + k[i + 4] + w[i + 4];
                h += t;
                x = e | (ulong)e << 32;
                d = t + (uint)(x >> 2 ^ x >> 13 ^ x >> 22) + ((e & f) | (g & (e | f)));
                x = h | (ulong)h << 32;
                t = c + (uint)(x >> 6 ^ x >> 11 ^ x >> 25) + (b ^ (h & (a ^ b))) + k[i + 5] + w[i + 5];
                g += t;
                x = d | (ulong)d << 32;
                c = t + (uint)(x >> 2 ^ x >> 13 ^ x >> 22) + ((d & e) | (f & (d | e)));
                x = g | (ulong)g << 32;
                t = b + (uint)(x >> 6 ^ x >> 11 ^ x >> 25) + (a ^ (g & (h ^ a))) + k[i + 6] + w[i + 6];
                f += t;
                x = c | (ulong)c << 32;
                b = t + (uint)(x >> 2 ^ x >> 13 ^ x >> 22) + ((c & d) | (e & (c | d)));
                x = f | (ulong)f << 32;
                t = a + (uint)(x >> 6 ^ x >> 11 ^ x >> 25) + (h ^ (f & (g ^ h))) + k[i + 7] + w[i + 7];
                e += t;
                x = b | (ulong)b << 32;
                a = t + (uint)(x >> 2 ^ x >> 13 ^ x >> 22) + ((b & c) | (d & (b | c)));
            }
            state[0] += a;
            state[1] += b;
            state[2] += c;
            state[3] += d;
            state[4] += e;
            state[5] += f;
            state[6] += g;
            state[7] += h;
        }
    }
}
