using System;
using System.IO;
using System.IO.Compression;

namespace Vcg.Bridge
{
    /// <summary>Blobs of chunks: "raw" and "gzip". Never makes more of a blob than was announced, and checks its sha256.</summary>
    public static class BlobDecoder
    {
        /// <summary>What this package decodes, preferred first. Mono and Unity have no zstd.</summary>
        public static readonly string[] Codecs = { "gzip", "raw" };

        /// <summary>The decoded bytes of a blob.</summary>
        /// <param name="codec">"raw" or "gzip"</param>
        /// <param name="blob">as it was sent</param>
        /// <param name="rawLength">bytes that it must have when decoded</param>
        /// <param name="sha256">that they must have, 32 bytes</param>
        /// <exception cref="VcgException">code "integrity"</exception>
        public static byte[] Decode(string codec, byte[] blob, int rawLength, byte[] sha256)
        {
            if (rawLength < 0 || rawLength > Vocabulary.MaxBlobBytes)
                throw VcgException.Integrity(
                    "a blob of " + rawLength + " bytes; at most " + Vocabulary.MaxBlobBytes + " are allowed");
            byte[] data;
            if (codec == "raw")
                data = blob;
            else if (codec == "gzip")
                data = Gunzip(blob, rawLength);
            else
                throw VcgException.Integrity("a blob of the codec '" + codec + "', which was not offered");
            if (data.Length != rawLength)
                throw VcgException.Integrity("a blob of " + data.Length + " bytes was announced with " + rawLength);
            byte[] found = Sha256.Hash(data);
            for (int i = 0; i < found.Length; i++)
            {
                if (sha256.Length != found.Length || found[i] != sha256[i])
                    throw VcgException.Integrity("a blob's sha256 is not the one announced");
            }
            return data;
        }

        /// <summary>One gzip member and nothing else. Its CRC-32 is not looked at: the sha256 says more.</summary>
        private static byte[] Gunzip(byte[] blob, int rawLength)
        {
            const int Trailer = 8;
            int start = HeaderLength(blob);
            int end = blob.Length - Trailer;
            if (start < 0 || start > end)
                throw Damaged();
            uint length = (uint)(blob[end + 4] | blob[end + 5] << 8 | blob[end + 6] << 16 | blob[end + 7] << 24);
            if (length != (uint)rawLength)
                throw VcgException.Integrity("a gzip blob of " + length + " bytes was announced with " + rawLength);
            if (rawLength / 1040 > end - start)  // deflate makes at most 1032 bytes of one
                throw Damaged();
            var data = new byte[rawLength];
            var body = new Body(blob, start, end);
            int at = 0;
            bool more;
            try
            {
                using (var stream = new DeflateStream(body, CompressionMode.Decompress))
                {
                    int count;
                    while (at < data.Length && (count = stream.Read(data, at, data.Length - at)) > 0)
                        at += count;
                    more = stream.Read(new byte[1], 0, 1) > 0;  // also takes the end of the stream in
                }
            }
            catch (Exception error)
            {
                if (error is IOException || error is InvalidDataException)
                    throw Damaged();
                throw;
            }
            if (at < data.Length || more || !body.EndedExactly)
                throw Damaged();
            return data;
        }

        private static VcgException Damaged()
        {
            return VcgException.Integrity("a gzip blob that is damaged, cut off, longer than announced, or followed by something");
        }

        /// <summary>Where the compressed data begins, -1 where the header is none.</summary>
        private static int HeaderLength(byte[] blob)
        {
            const int Fixed = 10, HeaderCrc = 2, Extra = 4, Name = 8, Comment = 16;
            if (blob.Length < Fixed || blob[0] != 0x1F || blob[1] != 0x8B || blob[2] != 8 || blob[3] > 31)
                return -1;
            int flags = blob[3], at = Fixed;
            if ((flags & Extra) != 0)
            {
                if (blob.Length < at + 2)
                    return -1;
                at += 2 + (blob[at] | blob[at + 1] << 8);
            }
            foreach (int text in new[] { Name, Comment })
            {
                if ((flags & text) == 0)
                    continue;
                while (at < blob.Length && blob[at] != 0)
                    at++;
                at++;
            }
            if ((flags & HeaderCrc) != 0)
                at += 2;
            return at <= blob.Length ? at : -1;
        }

        /// <summary>
        /// The compressed data. Gives its last bytes one at a time, so that it can tell where the decoder has stopped: a
        /// decoder reads ahead and does not say how far.
        /// </summary>
        private sealed class Body : Stream
        {
            private const int Single = 16;

            private readonly byte[] blob;
            private readonly int end;
            private int at;
            private bool askedForMore;

            internal Body(byte[] blob, int start, int end)
            {
                this.blob = blob;
                this.end = end;
                at = start;
            }

            /// <summary>Everything was taken, and nothing was missed.</summary>
            internal bool EndedExactly
            {
                get { return at == end && !askedForMore; }
            }

            public override int Read(byte[] buffer, int offset, int count)
            {
                int left = end - at;
                if (left == 0 && count > 0)
                    askedForMore = true;
                int given = Math.Min(count, left > Single ? left - Single : Math.Min(left, 1));
                Buffer.BlockCopy(blob, at, buffer, offset, given);
                at += given;
                return given;
            }

            public override bool CanRead
            {
                get { return true; }
            }

            public override bool CanSeek
            {
                get { return false; }
            }

            public override bool CanWrite
            {
                get { return false; }
            }

            public override long Length
            {
                get { throw new NotSupportedException(); }
            }

            public override long Position
            {
                get { throw new NotSupportedException(); }
                set { throw new NotSupportedException(); }
            }

            public override void Flush()
            {
            }

            public override long Seek(long offset, SeekOrigin origin)
            {
                throw new NotSupportedException();
            }

            public override void SetLength(long value)
            {
                throw new NotSupportedException();
            }

            public override void Write(byte[] buffer, int offset, int count)
            {
                throw new NotSupportedException();
            }
        }
    }
}
