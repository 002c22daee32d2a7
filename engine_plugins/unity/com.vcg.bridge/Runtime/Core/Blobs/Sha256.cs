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
            for (int i = 16; i < w.Length; i++)
            {
                uint x = w[i - 15], y = w[i - 2];
                w[i] = w[i - 16] + w[i - 7] + ((x >> 7 | x << 25) ^ (x >> 18 | x << 14) ^ x >> 3)
                    + ((y >> 17 | y << 15) ^ (y >> 19 | y << 13) ^ y >> 10);
            }
            for (int i = 0; i < w.Length; i++)
                w[i] += k[i];
            uint a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7], t;
            for (int i = 0; i < w.Length; i += 8)  // eight rounds: then the names of the words are where they began
            {
                t = h + ((e >> 6 | e << 26) ^ (e >> 11 | e << 21) ^ (e >> 25 | e << 7)) + (g ^ (e & (f ^ g))) + w[i];
                d += t;
                h = t + ((a >> 2 | a << 30) ^ (a >> 13 | a << 19) ^ (a >> 22 | a << 10)) + ((a & b) | (c & (a | b)));
                t = g + ((d >> 6 | d << 26) ^ (d >> 11 | d << 21) ^ (d >> 25 | d << 7)) + (f ^ (d & (e ^ f))) + w[i + 1];
                c += t;
                g = t + ((h >> 2 | h << 30) ^ (h >> 13 | h << 19) ^ (h >> 22 | h << 10)) + ((h & a) | (b & (h | a)));
                t = f + ((c >> 6 | c << 26) ^ (c >> 11 | c << 21) ^ (c >> 25 | c << 7)) + (e ^ (c & (d ^ e))) + w[i + 2];
                b += t;
                f = t + ((g >> 2 | g << 30) ^ (g >> 13 | g << 19) ^ (g >> 22 | g << 10)) + ((g & h) | (a & (g | h)));
                t = e + ((b >> 6 | b << 26) ^ (b >> 11 | b << 21) ^ (b >> 25 | b << 7)) + (d ^ (b & (c ^ d))) + w[i + 3];
                a += t;
                e = t + ((f >> 2 | f << 30) ^ (f >> 13 | f << 19) ^ (f >> 22 | f << 10)) + ((f & g) | (h & (f | g)));
                t = d + ((a >> 6 | a << 26) ^ (a >> 11 | a << 21) ^ (a >> 25 | a << 7)) + (c ^ (a & (b ^ c))) + w[i + 4];
                h += t;
                d = t + ((e >> 2 | e << 30) ^ (e >> 13 | e << 19) ^ (e >> 22 | e << 10)) + ((e & f) | (g & (e | f)));
                t = c + ((h >> 6 | h << 26) ^ (h >> 11 | h << 21) ^ (h >> 25 | h << 7)) + (b ^ (h & (a ^ b))) + w[i + 5];
                g += t;
                c = t + ((d >> 2 | d << 30) ^ (d >> 13 | d << 19) ^ (d >> 22 | d << 10)) + ((d & e) | (f & (d | e)));
                t = b + ((g >> 6 | g << 26) ^ (g >> 11 | g << 21) ^ (g >> 25 | g << 7)) + (a ^ (g & (h ^ a))) + w[i + 6];
                f += t;
                b = t + ((c >> 2 | c << 30) ^ (c >> 13 | c << 19) ^ (c >> 22 | c << 10)) + ((c & d) | (e & (c | d)));
                t = a + ((f >> 6 | f << 26) ^ (f >> 11 | f << 21) ^ (f >> 25 | f << 7)) + (h ^ (f & (g ^ h))) + w[i + 7];
                e += t;
                a = t + ((b >> 2 | b << 30) ^ (b >> 13 | b << 19) ^ (b >> 22 | b << 10)) + ((b & c) | (d & (b | c)));
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
