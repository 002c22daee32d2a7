using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Vcg.Bridge.Tests
{
    /// <summary>The reader of ZMTP, fed with streams that were damaged by chance.</summary>
    internal static class ZmtpChecks
    {
        /// <summary>A stream that gives what it was made with, in pieces, and takes everything.</summary>
        private sealed class Fed : MemoryStream
        {
            private readonly Random random;

            public Fed(byte[] data, Random random) : base(data)
            {
                this.random = random;
            }

            public override int Read(byte[] buffer, int offset, int count)
            {
                return base.Read(buffer, offset, Math.Min(count, 1 + random.Next(400)));
            }

            public override void Write(byte[] buffer, int offset, int count)
            {
            }
        }

        /// <summary>zmtp SEED COUNT: each stream ends with an error that is known, and without much memory.</summary>
        [Check("zmtp")]
        private static string Fuzz(string[] arguments)
        {
            var random = new Random(int.Parse(arguments[0]));
            int count = int.Parse(arguments[1]), messages = 0, refused = 0;
            byte[] whole = Good();
            for (int i = 0; i < count; i++)
            {
                var stream = (byte[])whole.Clone();
                for (int j = random.Next(12); j > 0; j--)
                    stream[random.Next(stream.Length)] = (byte)random.Next(256);
                if (random.Next(3) == 0)
                    Array.Resize(ref stream, random.Next(stream.Length));
                try
                {
                    var zmtp = new ZmtpStream(new Fed(stream, random));
                    zmtp.ShakeHands("", "");
                    while (true)
                    {
                        zmtp.ReadMessage();
                        messages++;
                    }
                }
                catch (LinkException)
                {
                    refused++;
                }
                catch (IOException)
                {
                }
            }
            long bytes = GC.GetTotalMemory(true);
            CheckFailed.Unless(bytes < 64 << 20, bytes + " bytes are still held");
            CheckFailed.Unless(messages > count && refused > count / 20, "too little was tried: " + messages + " messages, " + refused + " refused");
            return messages + " messages, " + refused + " refused";
        }

        private static byte[] Good()
        {
            var all = new MemoryStream();
            var greeting = new byte[64];
            greeting[0] = 0xFF;
            greeting[8] = 1;
            greeting[9] = 0x7F;
            greeting[10] = 3;
            Encoding.ASCII.GetBytes("NULL", 0, 4, greeting, 12);
            all.Write(greeting, 0, 64);
            Frame(all, 4, Encoding.ASCII.GetBytes("\u0005READY\u000BSocket-Type\0\0\0\u0006ROUTER"));
            for (int i = 0; i < 4; i++)
            {
                Frame(all, 4, Encoding.ASCII.GetBytes("\u0004PING\0\u0001context"));
                Frame(all, 1, new byte[40]);
                Frame(all, 0, new byte[300 + i]);
                Frame(all, 0, new byte[3]);
            }
            return all.ToArray();
        }

        private static void Frame(Stream into, byte flags, byte[] body)
        {
            if (body.Length > 255)
            {
                into.WriteByte((byte)(flags | 2));
                for (int shift = 56; shift >= 0; shift -= 8)
                    into.WriteByte((byte)((long)body.Length >> shift));
            }
            else
            {
                into.WriteByte(flags);
                into.WriteByte((byte)body.Length);
            }
            into.Write(body, 0, body.Length);
        }
    }
}
